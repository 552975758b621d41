//! What other programs say: systemd, kubeadm, the kubelet, the container runtime, the API server.

use super::{Api, KUBELET, QUESTION, Runtime, api, runtime, text};
use crate::args::Args;
use host::deadline::Deadline;
use host::process::Program;
use host::systemd;
use kubeadm::version::Version;
use kubeadm::{dropin, program};
use std::collections::BTreeMap;

/// What other programs answer. They are asked all at once: none waits for another, and a join waits for all of them.
pub(super) struct Answers {
    pub(super) unit: BTreeMap<String, String>,
    pub(super) started: Option<dropin::Started>,
    pub(super) firewalls: Vec<&'static str>,
    pub(super) kubeadm: Option<Version>,
    pub(super) kubelet: Option<Version>,
    pub(super) runtime: Result<Runtime, String>,
    pub(super) api: Option<Api>,
}

/// Asks.
pub(super) fn ask(args: &Args, deadline: &Deadline) -> Answers {
    let limit = deadline.at_most(QUESTION);
    std::thread::scope(|scope| {
        let kubeadm = scope.spawn(|| program::version(&limit).ok().flatten());
        let kubelet = scope.spawn(|| kubelet_version(&limit));
        let runtime = scope.spawn(|| runtime::observe(&args.cri_socket, deadline));
        let api = scope.spawn(|| {
            let endpoint = args.endpoint().filter(|_| args.ask_cluster);
            endpoint.map(|endpoint| api::observe(&endpoint, deadline))
        });
        Answers {
            unit: systemd::show(KUBELET, &["LoadState"], &limit).unwrap_or_default(),
            started: dropin::Started::observe(KUBELET, &limit).ok(),
            firewalls: firewalls(&limit),
            kubeadm: kubeadm.join().ok().flatten(),
            kubelet: kubelet.join().ok().flatten(),
            runtime: runtime.join().unwrap_or_else(|_| Err("asking it broke off".into())),
            api: api.join().ok().flatten(),
        }
    })
}

fn kubelet_version(deadline: &Deadline) -> Option<Version> {
    let program = Program::new("kubelet").args(["--version"]).env("PATH", program::search_path());
    Version::parse(&program.run(deadline).ok()?.success().ok()?.stdout_text()).ok()
}

fn firewalls(deadline: &Deadline) -> Vec<&'static str> {
    let mut active = Vec::new();
    if systemd::active_state("firewalld.service", deadline).is_ok_and(|state| state == "active") {
        active.push("firewalld");
    }
    // ufw has no process; its unit is active also while it is switched off.
    if text("/etc/ufw/ufw.conf").lines().any(|line| line.trim().eq_ignore_ascii_case("ENABLED=yes")) {
        active.push("ufw");
    }
    active
}
