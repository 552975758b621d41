//! Whether this node runs a control plane or has etcd's data: then it is refused, unless the options allow it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::files;
use host::process::Program;

use crate::done::Done;
use crate::trees::targets::{ETCD, MANIFESTS};

/// The static pods kubeadm writes on a control plane (`cmd/kubeadm/app/phases/{controlplane,etcd}`).
const STATIC_PODS: [&str; 4] = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"];

/// What says so, in words; empty on a worker.
pub fn signs() -> Result<Vec<String>> {
    let mut signs = Vec::new();
    for name in files::names(MANIFESTS)? {
        let path = Path::new(MANIFESTS).join(&name);
        let text =
            String::from_utf8_lossy(&files::read_optional(&path).ok().flatten().unwrap_or_default()).into_owned();
        if let Some(pod) = STATIC_PODS.iter().find(|pod| is_static_pod(&name.to_string_lossy(), &text, pod)) {
            signs.push(format!("static pod {pod} ({})", path.display()));
        }
    }
    if let Some(name) = files::names(ETCD)?.into_iter().find(|name| name != "lost+found") {
        signs.push(format!("etcd data ({})", Path::new(ETCD).join(name).display()));
    }
    Ok(signs)
}

/// Whether etcd runs here as kubeadm sets it up, so that its membership can be given up.
pub fn has_stacked_etcd() -> bool {
    Path::new(MANIFESTS).join("etcd.yaml").exists() && Path::new("/etc/kubernetes/admin.conf").exists()
}

/// The one part of `kubeadm reset` that is left to kubeadm: it knows the other members.
pub fn leave(done: &mut Done, deadline: &Deadline) -> Result<()> {
    let args = ["reset", "phase", "remove-etcd-member", "--kubeconfig", "/etc/kubernetes/admin.conf"];
    let limit = deadline.at_most(Duration::from_secs(60));
    let left = Program::new("kubeadm").args(args).run(&limit).and_then(|output| output.success());
    if let Err(error) = left {
        // The only member of a cluster that is being ended cannot leave it, and need not.
        done.warnings.push(format!("leaving etcd: {error:#}"));
    }
    Ok(())
}

/// By its name, or by the label kubeadm gives it, whatever the file is called.
fn is_static_pod(file: &str, text: &str, pod: &str) -> bool {
    let stem = file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")).or_else(|| file.strip_suffix(".json"));
    stem == Some(pod) || text.lines().any(|line| line.trim() == format!("component: {pod}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_pods_of_a_worker_are_no_control_plane() {
        assert!(is_static_pod("etcd.yaml", "", "etcd"));
        assert!(is_static_pod(
            "10-api.yaml",
            "metadata:\n  labels:\n    component: kube-apiserver\n",
            "kube-apiserver"
        ));
        assert!(!is_static_pod("nginx-proxy.yml", "metadata:\n  labels:\n    k8s-app: kube-nginx\n", "kube-apiserver"));
        assert!(!is_static_pod("etcd-backup.yaml", "# component: etcd-x\n", "etcd"));
    }
}
