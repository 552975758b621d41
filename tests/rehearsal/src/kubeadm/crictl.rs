//! Removing pods the way kubeadm does, the misread warning of crictl included.

use crate::cri::Cri;
use crate::{klog, version};
use std::path::Path;

/// Stops and removes pods. Versions that go through crictl read its warning as pod ids when /etc/crictl.yaml is missing.
pub fn remove_pods(socket: &str) {
    let by_crictl = !version::at_least(32);
    if by_crictl && !Path::new("/etc/crictl.yaml").exists() {
        return crictl_warning();
    }
    let cri = match Cri::connect(socket) {
        Ok(cri) => cri,
        Err(error) => return failed(&format!("{error:#}: exit status 1")),
    };
    let mut troubles = Vec::new();
    for sandbox in cri.sandboxes().unwrap_or_default() {
        // One that does not go does not keep the others; newer versions try five times.
        let tries = if version::at_least(23) { 5 } else { 1 };
        let mut last = Ok(());
        for _ in 0..tries {
            last = cri.stop_sandbox(&sandbox.id).and_then(|()| cri.remove_sandbox(&sandbox.id));
            if last.is_ok() {
                break;
            }
        }
        if let Err(error) = last {
            troubles
                .push(format!("failed to stop running pod {}: output: {error:#}, error: exit status 1", sandbox.id));
        }
    }
    if !troubles.is_empty() {
        failed(&format!("[{}]", troubles.join(", ")));
    }
}

fn failed(text: &str) {
    klog::warn("cleanupnode.go:84", &format!("[reset] Failed to remove containers: {text}"));
}

/// What happened with a crictl that warns: every word of the warning taken for a pod id.
fn crictl_warning() {
    let time = crate::clock::now();
    let warning = format!(
        "time=\"{time}\" level=warning msg=\"Config \\\"/etc/crictl.yaml\\\" does not exist, trying next: \\\"/usr/bin/crictl.yaml\\\"\""
    );
    let mut told = Vec::new();
    for word in warning.split(' ') {
        let quoted = word.replace('\\', "\\\\").replace('"', "\\\"");
        let twice = quoted.replace('\\', "\\\\").replace('"', "\\\"");
        let missing = format!(
            "rpc error: code = NotFound desc = an error occurred when try to find sandbox \\\"{twice}\\\": not found"
        );
        told.push(format!(
            "failed to stop running pod {word}: output: {warning}\n{} remote_runtime.go:267] \"StopPodSandbox from runtime service failed\" err=\"{missing}\" podSandboxID=\"{quoted}\"\ntime=\"{time}\" level=error msg=\"stopping the pod sandbox \\\"{twice}\\\": {missing}\"\n, error: exit status 1",
            klog::prefix('E')
        ));
    }
    klog::warn("cleanupnode.go:84", &format!("[reset] Failed to remove containers: [{}]", told.join(", ")));
}
