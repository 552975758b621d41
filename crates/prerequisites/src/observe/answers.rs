//! What other programs say: systemd, kubeadm, the kubelet, the container runtime, the API server.

use super::{Api, KUBELET, QUESTION, Runtime, api, runtime, text};
use crate::planned::PlannedJoin;
use host::deadline::Deadline;
use host::systemd;
use kubeadm::version::Version;
use kubeadm::{dropin, program};
use std::collections::BTreeMap;
use std::thread::{JoinHandle, spawn};

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

/// What is asked in the background: a program's version costs a tenth of a second, and nobody's change to the kubelet's unit
/// touches it.
pub struct Asked {
    kubeadm: JoinHandle<Option<Version>>,
    kubelet: JoinHandle<Option<Version>>,
    runtime: JoinHandle<Result<Runtime, String>>,
    api: JoinHandle<Option<Api>>,
}

/// Asks.
pub fn ask(join: &PlannedJoin, deadline: &Deadline) -> Asked {
    let (deadline, limit) = (*deadline, deadline.at_most(QUESTION));
    let (socket, endpoint) = (join.cri_socket.clone(), join.endpoint().filter(|_| join.ask_cluster));
    Asked {
        kubeadm: spawn(move || program::version(&limit).ok().flatten()),
        kubelet: spawn(move || program::kubelet_version(&limit)),
        runtime: spawn(move || runtime::observe(&socket, &deadline)),
        api: spawn(move || endpoint.map(|endpoint| api::observe(&endpoint, &deadline))),
    }
}

impl Asked {
    /// The answers, with what systemd says of the units now.
    pub(super) fn answers(self, deadline: &Deadline) -> Answers {
        let limit = deadline.at_most(QUESTION);
        Answers {
            unit: systemd::show(KUBELET, &["LoadState"], &limit).unwrap_or_default(),
            started: dropin::Started::observe(KUBELET, &limit).ok(),
            firewalls: firewalls(&limit),
            kubeadm: self.kubeadm.join().ok().flatten(),
            kubelet: self.kubelet.join().ok().flatten(),
            runtime: self.runtime.join().unwrap_or_else(|_| Err("asking it broke off".into())),
            api: self.api.join().ok().flatten(),
        }
    }
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
