//! containerd.

use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::runtime::{Answer, Runtime};
use cri::{CgroupDriver, Error, RUNTIME_READY};
use kubeadm::classify::{Class, Texts, Weight, classify};
use kubeadm::runtime_support;
use node::code::Code;
use node::containerd::journal;

/// What containerd says of a pod whose sandbox it has started.
const STARTED: &str = "returns sandbox id";

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let runtime = &facts.runtime;
    let unit = runtime.unit.as_ref();
    if !runtime.installed && unit.is_none_or(|u| u.load == "not-found") && runtime.answer.is_err() {
        found.push(Finding::new(Code::ContainerdMissing, ["no containerd program, no containerd.service"]));
        return;
    }
    if let Err(why) = &runtime.config {
        found.push(Finding::new(Code::ContainerdConfigInvalid, [why.clone()]));
    }
    if let Ok(config) = &runtime.config {
        if let (Some(why), true) = (&config.refused, runtime.answer.is_err()) {
            found.push(Finding::new(Code::ContainerdConfigInvalid, [why.clone()]));
        }
        if !config.passed_over.is_empty() {
            found.push(Finding::new(Code::ContainerdConfigPassedOver, config.passed_over.clone()));
        }
    }
    match &runtime.answer {
        Ok(answer) => answering(facts, answer, found),
        Err(error) => silent(runtime, error, found),
    }
}

fn silent(runtime: &Runtime, error: &Error, found: &mut Vec<Finding>) {
    let unit = runtime.unit.as_ref();
    let disabled = runtime.config.as_ref().map(|c| c.disabled.clone()).unwrap_or_default();
    let said = journal::pick(&runtime.journal).unwrap_or_default();
    let active = unit.map_or("unknown", |u| u.active.as_str());
    if unit.is_some_and(|u| u.load == "masked") {
        found.push(Finding::new(Code::ContainerdMasked, ["systemctl show says LoadState=masked"]));
        return;
    }
    match error {
        Error::NoCri { .. } if !disabled.is_empty() => {
            found.push(Finding::new(Code::CriDisabled, disabled.iter().map(|d| format!("disabled_plugins has {d}"))));
        }
        Error::NoCri { .. } => {
            // What containerd_prepare sets anew, and what a restart alone may mend; any other value is somebody's.
            let mended =
                said.is_empty() || said.contains("systemd_cgroup") || said.contains("default_runtime_name = \"runc\"");
            let finding = Finding::new(Code::CriNotLoaded, [error.to_string(), said]);
            let remedy = format!("mend what the evidence names in {}, and restart containerd", runtime.path.display());
            found.push(if mended { finding } else { finding.by_hand(remedy) });
        }
        Error::Hung { .. } => found.push(Finding::new(Code::ContainerdHung, [error.to_string()])),
        _ if matches!(active, "failed" | "activating") => {
            let result = unit.map_or("", |u| u.result.as_str());
            let state = format!("containerd.service is {active} (result {result})");
            found.push(Finding::new(Code::ContainerdFailed, [state, said]));
        }
        _ if active == "active" => {
            let named = runtime.config.as_ref().ok().and_then(|config| config.socket.as_deref());
            let finding = Finding::new(
                Code::ContainerdSocketMissing,
                ["containerd.service is active".to_owned(), error.to_string()],
            );
            found.push(match named.filter(|socket| *socket != runtime.socket) {
                Some(other) => finding.because(format!("its configuration names the socket {other}")).by_hand(format!(
                    "set the address in {} to {}, or tell the kubelet of the other one, and restart both",
                    runtime.path.display(),
                    runtime.socket
                )),
                None => finding,
            });
        }
        _ => {
            let state = format!("containerd.service is {active}");
            found.push(Finding::new(Code::ContainerdStopped, [state, error.to_string()]));
        }
    }
}

fn answering(facts: &Facts, answer: &Answer, found: &mut Vec<Finding>) {
    let status = &answer.status;
    if !status.holds(RUNTIME_READY) {
        let words = status.condition(RUNTIME_READY).map(|c| format!("{} {}", c.reason, c.message));
        let evidence = ["the condition RuntimeReady does not hold".to_owned(), words.unwrap_or_default()];
        found.push(Finding::new(Code::RuntimeNotReady, evidence));
    }
    match &answer.images {
        Err(why) => found.push(Finding::new(Code::ImageFilesystemUnusable, [why.clone()])),
        // Full and read-only are the disk's own findings.
        Ok(images) if images.space.bytes == 0 => {
            let words = format!("{} has no capacity", images.path);
            let remedy = "put a file system with a capacity there, or unmount what hides it";
            found.push(Finding::new(Code::ImageFilesystemUnusable, [words]).by_hand(remedy));
        }
        Ok(_) => {}
    }
    if let ("containerd", Some(now)) = (answer.version.runtime_name.as_str(), facts.machine.now) {
        let old = runtime_support::too_old_soon(&answer.version.runtime_version, kubelet_minor(facts), now);
        if !old.is_empty() {
            found.push(Finding::new(Code::RuntimeTooOldSoon, old));
        }
    }
    pods(&facts.runtime.journal, found);
    let runs = status.systemd_cgroup().or(answer.driver.map(|d| d == CgroupDriver::Systemd));
    let kubelet = facts.kubelet.cgroup_driver.as_deref();
    if let (Some(runs), Some(kubelet)) = (runs, kubelet)
        && runs != (kubelet == "systemd")
        && !follows_runtime(facts)
    {
        let words = format!("the kubelet's cgroupDriver is {kubelet}, containerd's SystemdCgroup is {runs}");
        found.push(Finding::new(Code::CgroupDriverMismatch, [words]));
    }
    let disabled = facts.runtime.config.as_ref().map(|c| c.disabled.as_slice()).unwrap_or_default();
    for disabled in disabled {
        let words = format!("it serves CRI, and disabled_plugins has {disabled}");
        found.push(Finding::new(Code::ContainerdConfigNotInForce, [words]));
    }
    let written = facts.runtime.config.as_ref().ok().and_then(|c| c.systemd_cgroup);
    if let (Some(runs), Some(written)) = (status.systemd_cgroup(), written)
        && runs != written
    {
        let words = format!("it runs with SystemdCgroup {runs}, its configuration says {written}");
        found.push(Finding::new(Code::ContainerdConfigNotInForce, [words]));
    }
}

/// Pods that cannot be started, by what containerd said since it last started one.
fn pods(journal: &str, found: &mut Vec<Finding>) {
    let since = journal.rfind(STARTED).map_or(journal, |at| &journal[at + STARTED.len()..]);
    let known = classify(&Texts { runtime: since, ..Texts::default() });
    let Some(known) = known.into_iter().find(|known| known.row.weight == Weight::Pods) else { return };
    let code =
        if known.class() == Class::SandboxImageMissing { Code::SandboxImageMissing } else { Code::SandboxFailing };
    found.push(Finding::new(code, [known.evidence.clone()]).because(known.explanation()));
}

/// From 1.31 on a kubelet takes the driver from a runtime that answers RuntimeConfig (KubeletCgroupDriverFromCRI); before,
/// its own configuration decides.
fn follows_runtime(facts: &Facts) -> bool {
    let answer = facts.runtime.answer.as_ref().ok();
    answer.is_some_and(|a| a.driver.is_some()) && kubelet_minor(facts).is_some_and(|minor| minor >= 31)
}

/// The kubelet's 1.x, by its Node.
fn kubelet_minor(facts: &Facts) -> Option<u32> {
    let version = facts.api.node.as_ref()?["status"]["nodeInfo"]["kubeletVersion"].as_str()?;
    version.trim_start_matches("v1.").split('.').next()?.parse().ok()
}
