//! What is there. Looks at everything the plan needs, and changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{self, Mount};
use host::remove::{self, Identity, Removed, What};
use host::{processes, systemd};

use crate::Caller;
use crate::args::{Args, Part};
use crate::journal::{self, Begun};
use crate::parts::network::{self, Network};
use crate::parts::runtime::{self as containerd, Containerd, pods, record};
use crate::parts::{cni, etcd, kubectl, kubelet, temporary};
use crate::trees::manifest::Manifest;
use crate::trees::place::{self, Place};
use crate::trees::targets::{self, MANIFESTS, Target};
use crate::trees::{elsewhere, preserve};

/// Entries counted in one target for the plan; beyond that it says "more than".
const MOST_ENTRIES: u64 = 100_000;

/// The node as it is.
#[derive(Debug)]
pub struct State {
    /// `ActiveState` of the kubelet's unit; empty when there is none.
    pub kubelet: String,
    /// Processes of the kubelet and of pods.
    pub processes: Vec<processes::Owned>,
    /// containerd.
    pub containerd: Containerd,
    /// What says that this is a control plane.
    pub control_plane: Vec<String>,
    /// Whether there is an etcd member to take out.
    pub stacked_etcd: bool,
    /// The targets that the options ask for and that exist.
    pub targets: Vec<Found>,
    /// Why targets are not what they seem: links, other people's directories mounted there, servers that do not answer.
    pub unsafe_targets: Vec<String>,
    /// Network namespaces that pods left behind.
    pub netns: Vec<PathBuf>,
    /// The network; empty when no part of it is asked for.
    pub network: Network,
    /// Drop-ins that go, and why.
    pub drop_ins: Vec<(PathBuf, String)>,
    /// Units in state failed.
    pub failed: Vec<String>,
    /// What is kept although a target's name covers it, and why.
    pub kept: Vec<(PathBuf, String)>,
    /// Why the preserved paths are not safe; empty when they are.
    pub conflicts: Vec<String>,
    /// The preserved trees.
    pub preserved: Vec<Manifest>,
    /// The mount table.
    pub mounts: Vec<Mount>,
    /// An earlier run that was not finished.
    pub unfinished: Option<(Begun, Option<String>)>,
    /// Temporary files of ours.
    pub temporary: Vec<PathBuf>,
    /// What containerd held when the last reset was done.
    pub left_by_last_reset: Option<containerd::Holdings>,
}

/// A target that exists.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which.
    pub target: Target,
    /// What is in it.
    pub survey: Removed,
    /// Mounts below it.
    pub mounts: Vec<Mount>,
    /// What of it stays.
    pub spare: Vec<Identity>,
    /// Who else sees a part of it: then all of it stays.
    pub users: Vec<String>,
}

/// Whether systemd is in charge here (sd_booted(3)).
pub fn booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Looks at everything.
pub(crate) fn observe(args: &Args, caller: Caller, deadline: &Deadline) -> Result<State> {
    let booted = booted();
    let mounts = mounts::table()?;
    let unfinished = journal::unfinished()?;
    let containerd = containerd::observe(booted, deadline)?;
    let foreign_cni = cni::foreign()?;
    let known = unfinished.as_ref().map(|(begun, _)| begun.pod_networks.clone()).unwrap_or_default();
    let network = if args.wants(Part::Network) || args.wants(Part::Firewall) {
        network::observe(&known, &foreign_cni.networks, deadline)?
    } else {
        Network::default()
    };
    let mut kept: Vec<(PathBuf, String)> =
        foreign_cni.paths.iter().map(|path| (path.clone(), "another program's CNI network".to_owned())).collect();
    let mut wanted = targets::wanted(args);
    if !containerd.is_ours() || containerd.is_stray() {
        kept.extend(not_ours(&containerd, &mut wanted));
    }
    if let Some(config) = wanted.iter().position(|target| target.part == Part::Kubectl && target.what == What::Tree) {
        let others = kubectl::other_servers(&wanted[config].path)?;
        if !others.is_empty() {
            kept.push((wanted.remove(config).path, format!("it may be another cluster's: {}", others.join(", "))));
        }
    }
    let conflicts = conflicts(args, &mounts, &wanted);
    let (mut targets, mut unsafe_targets) = (Vec::new(), Vec::new());
    let paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    for target in wanted {
        match place::judge(&target, &mounts, deadline)? {
            Place::Nothing => {}
            Place::Own => targets.push(look(target, &mounts, &foreign_cni.paths, &paths, deadline)?),
            // Where root's home is a link (ostree), its kubeconfig is not worth refusing all the rest.
            Place::Elsewhere(why) if target.part == Part::Kubectl => kept.push((target.path, why)),
            Place::Elsewhere(why) => unsafe_targets.push(format!("{} {why}", target.path.display())),
        }
    }
    let preserved = args.preserve.iter().map(|path| {
        let budget = deadline.at_most(Duration::from_secs(30));
        Manifest::of(path, &preserve::resolve(&mounts, path), &mounts, &budget)
    });
    let systemd = |part| booted && args.wants(part);
    Ok(State {
        kubelet: if booted { systemd::active_state("kubelet.service", deadline)? } else { String::new() },
        processes: pods::processes()?,
        control_plane: etcd::signs()?,
        stacked_etcd: etcd::has_stacked_etcd(),
        netns: if args.wants(Part::Pods) { pods::deserted_netns(&mounts) } else { Vec::new() },
        drop_ins: if systemd(Part::Units) { kubelet::conflicting_drop_ins(deadline)? } else { Vec::new() },
        failed: if systemd(Part::Units) { kubelet::failed(deadline)? } else { Vec::new() },
        preserved: preserved.collect(),
        temporary: if args.wants(Part::Temporary) { temporary::find(caller)? } else { Vec::new() },
        left_by_last_reset: record::read(),
        containerd,
        targets,
        unsafe_targets,
        network,
        kept,
        conflicts,
        mounts,
        unfinished,
    })
}

fn look(
    target: Target,
    mounts: &[Mount],
    foreign: &[PathBuf],
    targets: &[PathBuf],
    deadline: &Deadline,
) -> Result<Found> {
    let mut spare: Vec<Identity> = foreign.iter().filter_map(|path| Identity::at(path)).collect();
    if target.path == Path::new("/etc/kubernetes") {
        // The kubelet's package ships it, and the kubelet complains when it is missing. Its contents are a target.
        spare.extend(Identity::at(Path::new(MANIFESTS)));
    }
    if mounts::exactly_at(mounts, &target.path).is_some_and(|mount| mount.fs_type.starts_with("ext")) {
        // Its place is reserved when the file system is made, for repairing it: not ours to delete.
        let lost = Identity::at(&target.path.join("lost+found"));
        spare.extend(lost.filter(|_| target.path.join("lost+found").is_dir()));
    }
    let survey = remove::survey(&target.path, &spare, MOST_ENTRIES, deadline)?;
    let table = mounts;
    let mounts = mounts::below(table, &target.path).into_iter().cloned().collect();
    let users = elsewhere::users(table, &target.path, targets);
    Ok(Found { target, survey, mounts, spare, users })
}

/// Takes containerd's directories off the list when others use them, and says what is kept.
fn not_ours(containerd: &Containerd, wanted: &mut Vec<Target>) -> Vec<(PathBuf, String)> {
    let why = match &containerd.unreadable {
        _ if containerd.is_stray() => "containerd runs here, but not as a unit".to_owned(),
        Some(error) => format!("it cannot be told whose it is: {error}"),
        None => format!("containerd is shared with {}", containerd.foreign.join(", ")),
    };
    let (taken, rest) = std::mem::take(wanted).into_iter().partition(|target| target.part == Part::Containerd);
    *wanted = rest;
    let taken: Vec<Target> = taken;
    if !taken.is_empty() {
        let left = containerd::pod_directories();
        wanted.extend(left.into_iter().map(|path| Target {
            part: Part::Containerd,
            path: path.into(),
            what: What::Contents,
        }));
    }
    taken.into_iter().map(|target| (target.path, why.clone())).collect()
}

fn conflicts(args: &Args, mounts: &[Mount], wanted: &[Target]) -> Vec<String> {
    let paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    args.preserve.iter().filter_map(|path| preserve::conflict(mounts, path, &paths)).collect()
}
