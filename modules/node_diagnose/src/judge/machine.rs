//! Identity, clock and permissions.

use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::api::Refusal;
use node::code::Code;

/// A kubelet's certificates and bound tokens are dated by the control plane; kubeadm dates a new CA 5 minutes back.
const TOLERATED: i64 = 60;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let machine = &facts.machine;
    let offset = facts.api.clock_offset;
    if let Some(offset) = offset.filter(|o| o.abs() > TOLERATED) {
        let way = if offset > 0 { "ahead of" } else { "behind" };
        found.push(Finding::new(Code::ClockOff, [format!("the clock is {} s {way} the API server's", offset.abs())]));
    }
    // crypto/x509: "certificate has expired or is not yet valid: current time 2020-... is before 2026-...". Certificates
    // are not made for the future: it is this clock that is behind.
    if let Some(Refusal::Rejected(words)) = &facts.api.refusal
        && words.contains("current time")
        && words.contains("is before")
    {
        found.push(Finding::new(Code::ClockOff, [words.clone()]));
    }
    if machine.machine_id.is_none() {
        found.push(Finding::new(Code::MachineIdMissing, ["/etc/machine-id is not 32 hexadecimal digits"]));
    }
    let twins = twins(facts);
    if !twins.is_empty() {
        found.push(Finding::new(Code::MachineIdDuplicate, [format!("also of {}", twins.join(", "))]));
    }
    let journals = [facts.runtime.journal.clone(), facts.kubelet.journal.text()];
    if let Some(line) = journals.iter().flat_map(|j| j.lines()).rev().find(|l| is_out_of_inotify(l)) {
        found.push(Finding::new(Code::InotifyExhausted, [line]));
    }
    // In a container the clock is the host's affair, and no time service runs in it.
    if machine.synchronized == Some(false) && offset.is_none_or(|o| o.abs() > 2) && !machine.in_container {
        found.push(Finding::new(Code::ClockUnsynchronized, ["timedatectl says NTPSynchronized=no"]));
    }
    if !machine.permissions.is_empty() {
        found.push(Finding::new(Code::PermissionsWrong, machine.permissions.clone()));
    }
}

/// Other nodes with this machine-id.
fn twins(facts: &Facts) -> Vec<&str> {
    let Some(id) = &facts.machine.machine_id else { return Vec::new() };
    let own = facts.api.node.as_ref().and_then(|n| n["metadata"]["name"].as_str());
    let peers = facts.api.peers.iter().filter(|(name, theirs)| theirs == id && Some(name.as_str()) != own);
    peers.map(|(name, _)| name.as_str()).collect()
}

/// EMFILE of inotify_init: "failed to create fsnotify watcher: too many open files" (containerd),
/// "inotify_init: too many open files" (kubelet).
fn is_out_of_inotify(line: &str) -> bool {
    line.contains("too many open files") && (line.contains("inotify") || line.contains("fsnotify"))
}
