//! What to do, in order. Pure: the same node and options give the same steps, and a node that was reset gives none.

use std::path::PathBuf;

use cri::{Image, Sandbox};
use host::processes::{Kind, Owned};
use host::remove::What;
use node::containerd::repair::Repair;

use crate::args::{Args, ContainerdConfig, Level, Part};
use crate::observe::State;
use crate::parts::RUNNING;
use crate::parts::kubectl::Edit;
use crate::parts::runtime::netns::Deserted;
use crate::trees::look::Found;
use crate::words::{count, size};

/// One step. The order of the variants is the order of the work.
#[derive(Debug, Clone)]
pub enum Step {
    /// Give up this node's membership in etcd, while etcd still runs.
    LeaveEtcd,
    /// Stop the kubelet, which would bring pods back.
    StopKubelet {
        /// Its unit is active.
        unit: bool,
        /// Kubelets, of the unit or not.
        processes: Vec<Owned>,
    },
    /// Remove pods through CRI, so that their networks are taken down by the plugins that made them.
    RemoveSandboxes(Vec<Sandbox>),
    /// Stop containerd, whose state goes.
    StopContainerd,
    /// End what is left of pods.
    EndPods(Vec<Owned>),
    /// Take deserted network namespaces away.
    RemoveNetns(Vec<Deserted>),
    /// Remove images through CRI, where containerd's other users keep theirs.
    RemoveImages(Vec<Image>),
    /// Take away what is mounted below a target.
    Unmount(Found),
    /// Delete a target.
    Delete(Found),
    /// Delete links and routes.
    Network,
    /// Delete firewall rules and tables.
    Firewall,
    /// Delete a drop-in, with the reason.
    DropIn(PathBuf, String),
    /// Delete a temporary file of ours.
    Temporary(PathBuf),
    /// Take this cluster out of root's kubeconfig.
    Kubeconfig(Edit),
    /// Forget failures.
    ResetFailed(Vec<String>),
    /// Mend containerd's configuration, while it is stopped.
    RepairConfig(Box<Repair>),
    /// Start containerd, and prove that it answers; then the units that went down with it.
    StartContainerd(Vec<String>),
}

impl Step {
    /// Its name in the journal.
    pub fn name(&self) -> String {
        match self {
            Self::LeaveEtcd => "leave etcd".to_owned(),
            Self::StopKubelet { .. } => "stop kubelet".to_owned(),
            Self::RemoveSandboxes(_) => "remove pods".to_owned(),
            Self::StopContainerd => "stop containerd".to_owned(),
            Self::EndPods(_) => "end processes of pods".to_owned(),
            Self::RemoveNetns(_) => "remove network namespaces".to_owned(),
            Self::RemoveImages(_) => "remove images".to_owned(),
            Self::Unmount(found) => format!("unmount below {}", found.target.path.display()),
            Self::Delete(found) => format!("delete {}", found.target.path.display()),
            Self::Network => "delete links and routes".to_owned(),
            Self::Firewall => "delete firewall rules".to_owned(),
            Self::DropIn(path, _) | Self::Temporary(path) => format!("delete {}", path.display()),
            Self::Kubeconfig(edit) => format!("edit {}", edit.path.display()),
            Self::ResetFailed(_) => "reset failed units".to_owned(),
            Self::RepairConfig(_) => "repair containerd's configuration".to_owned(),
            Self::StartContainerd(_) => "start containerd".to_owned(),
        }
    }
}

/// The steps.
pub fn plan(args: &Args, state: &State) -> Vec<Step> {
    let mut steps = Vec::new();
    let wipe = wipes_containerd(args, state);
    if args.wants(Part::Etcd) && state.stacked_etcd {
        steps.push(Step::LeaveEtcd);
    }
    let stop = stop_kubelet(args, state);
    // A kubelet that works until it is stopped may have begun with a pod since the look: pods are asked for again then.
    let late = stop.is_some();
    steps.extend(stop);
    if args.wants(Part::Pods)
        && let Ok(sandboxes) = &state.containerd.sandboxes
        && (late || !sandboxes.is_empty())
    {
        steps.push(Step::RemoveSandboxes(sandboxes.clone()));
    }
    let repair = state.containerd.repair.as_ref().filter(|_| repairs_config(args, state));
    if (wipe || repair.is_some()) && is_up(&state.containerd.active) {
        steps.push(Step::StopContainerd);
    }
    if args.wants(Part::Pods) {
        let pods: Vec<Owned> =
            state.processes.iter().filter(|process| process.kind != Kind::Kubelet).cloned().collect();
        if late || !pods.is_empty() {
            steps.push(Step::EndPods(pods));
        }
        if !state.netns.is_empty() || state.containerd.sandboxes.as_ref().is_ok_and(|list| !list.is_empty()) {
            steps.push(Step::RemoveNetns(state.netns.clone()));
        }
    }
    if args.wants(Part::Containerd) && !state.containerd.images.is_empty() {
        steps.push(Step::RemoveImages(state.containerd.images.clone()));
    }
    let carriers = targets(args, state).filter(|found| !found.mounts.is_empty());
    steps.extend(carriers.map(|found| Step::Unmount(found.clone())));
    let full = targets(args, state).filter(|found| found.survey.entries > 0 || !found.mounts.is_empty());
    steps.extend(full.map(|found| Step::Delete(found.clone())));
    let network = &state.network;
    if args.wants(Part::Network) && !(network.links.is_empty() && network.routes.is_empty()) {
        steps.push(Step::Network);
    }
    if args.wants(Part::Firewall)
        && !(network.firewall.is_empty()
            && network.tables.is_empty()
            && network.ipvs.is_empty()
            && network.sets.is_empty())
    {
        steps.push(Step::Firewall);
    }
    steps.extend(state.kubeconfig.iter().cloned().map(Step::Kubeconfig));
    steps.extend(state.drop_ins.iter().map(|(path, why)| Step::DropIn(path.clone(), why.clone())));
    steps.extend(state.temporary.iter().cloned().map(Step::Temporary));
    if !state.failed.is_empty() {
        steps.push(Step::ResetFailed(state.failed.clone()));
    }
    steps.extend(repair.map(|repair| Step::RepairConfig(Box::new(repair.clone()))));
    if starts_containerd(args, state, wipe || repair.is_some()) {
        let mut bound = state.containerd.bound.clone();
        bound.extend(state.unfinished.iter().flat_map(|(begun, _)| begun.bound.clone()));
        steps.push(Step::StartContainerd(bound));
    }
    steps
}

/// The targets that are emptied or deleted; also those in which there is nothing to delete.
pub fn targets<'a>(args: &Args, state: &'a State) -> impl Iterator<Item = &'a Found> {
    let wipe = wipes_containerd(args, state) || !state.containerd.is_ours();
    state.targets.iter().filter(move |found| found.target.part != Part::Containerd || wipe)
}

/// Whether containerd's data goes with these steps. Stopping it says nothing: a mere repair of its configuration does, too.
pub fn wipes(steps: &[Step]) -> bool {
    let stops = steps.iter().any(|step| matches!(step, Step::StopContainerd));
    let goes = |step: &Step| matches!(step, Step::Delete(found) if found.target.part == Part::Containerd);
    stops && steps.iter().any(goes)
}

/// systemd's words for a unit that has processes, or is about to.
fn is_up(active: &str) -> bool {
    matches!(active, "active" | "activating" | "reloading" | "deactivating")
}

/// Whether containerd's state goes as a whole.
fn wipes_containerd(args: &Args, state: &State) -> bool {
    let containerd = &state.containerd;
    let there = state.targets.iter().any(|found| found.target.part == Part::Containerd && found.survey.entries > 0);
    args.wants(Part::Containerd)
        && containerd.is_ours()
        && !containerd.is_stray()
        && there
        && containerd.is_dirty(state.left_by_last_reset.as_ref())
}

/// A containerd that others use is theirs to configure, and restarting it would be theirs to decide.
pub fn repairs_config(args: &Args, state: &State) -> bool {
    let containerd = &state.containerd;
    args.wants(Part::Containerd)
        && args.containerd_config == ContainerdConfig::Repair
        && containerd.installed()
        && containerd.is_ours()
}

/// A node without containerd running is no use to a join. One that is masked is somebody's decision.
fn starts_containerd(args: &Args, state: &State, stopped: bool) -> bool {
    let resumed = state.unfinished.is_some();
    let down = state.containerd.installed() && !is_up(&state.containerd.active);
    state.containerd.installed()
        && (stopped || (down && (args.level == Level::Aggressive || resumed)))
        && args.wants(Part::Containerd)
}

fn stop_kubelet(args: &Args, state: &State) -> Option<Step> {
    let processes: Vec<Owned> =
        state.processes.iter().filter(|process| process.kind == Kind::Kubelet).cloned().collect();
    let unit = is_up(&state.kubelet);
    (RUNNING.into_iter().any(|part| args.wants(part)) && (unit || !processes.is_empty()))
        .then_some(Step::StopKubelet { unit, processes })
}

/// A directory or a file, in words.
pub fn extent(found: &Found) -> String {
    let survey = &found.survey;
    if found.target.what == What::Tree {
        return "a file".to_owned();
    }
    let more = if survey.complete { "" } else { "more than " };
    format!("{more}{}, {}", count(survey.entries, "entry", "entries"), size(survey.bytes))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
