//! What is there. Looks at everything the plan needs, and changes nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{self, Index, Mount};
use host::remove::What;
use host::{processes, systemd, users};

use crate::Caller;
use crate::args::{Args, Part};
use crate::journal::{self, Begun};
use crate::parts::network::{self, Network};
use crate::parts::runtime::{self as containerd, Containerd, pods, record};
use crate::parts::{cni, etcd, kubectl, kubelet, temporary};
use crate::trees::manifest::Manifest;
use crate::trees::look::{self, Found};
use crate::trees::targets::{self, Target};
use crate::trees::preserve;


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

/// Whether systemd is in charge here (sd_booted(3)).
pub fn booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Looks at everything.
pub(crate) fn observe(args: &Args, caller: Caller, deadline: &Deadline) -> Result<State> {
    let booted = booted();
    let mounts = mounts::table()?;
    let index = Index::of(&mounts);
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
    let wanted_paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    let mut conflicts = conflicts(args, &index, &wanted_paths);
    let (there, mut looked) = look::places(args, wanted, &index, deadline)?;
    let processes = processes::list()?;
    let kubernetes = processes::owned(&processes, &[containerd::SOCKET]);
    let goes = |pid: i32| {
        // containerd itself is stopped before anything of its own is deleted.
        let of_unit = |process: &processes::Process| process.pid == pid && process.unit.as_deref() == Some(containerd::UNIT);
        pid == std::process::id() as i32
            || kubernetes.iter().any(|process| process.pid == pid)
            || processes.iter().any(of_unit)
    };
    let paths: Vec<PathBuf> = there.iter().filter_map(|(_, place)| place.path()).collect();
    let users = users::now(&mounts, &users::Own { directories: &paths, processes: &goes })?;
    looked.unsafe_targets.extend(users.unresolved.iter().cloned());
    let sight = look::Sight { index: &index, users: &users, foreign: &foreign_cni.paths, deadline };
    for (target, place) in there {
        looked.targets.extend(look::into(target, place, &paths, &sight)?);
    }
    kept.extend(looked.kept);
    let preserved: Vec<Manifest> = args
        .preserve
        .iter()
        .map(|path| {
            let budget = deadline.at_most(Duration::from_secs(30));
            Manifest::of(path, &preserve::resolve(&index, path), &index, &budget)
        })
        .collect();
    let places = preserve::Targets::of(&index, &paths);
    for found in &preserved {
        conflicts.extend(places.linked(&found.path, &found.links));
        conflicts.extend(preserve::made_of(&index, &users, &found.path, &looked.targets));
    }
    let systemd = |part| booted && args.wants(part);
    Ok(State {
        kubelet: if booted { systemd::active_state("kubelet.service", deadline)? } else { String::new() },
        processes: kubernetes,
        control_plane: etcd::signs()?,
        stacked_etcd: etcd::has_stacked_etcd(),
        netns: if args.wants(Part::Pods) { pods::deserted_netns(&mounts) } else { Vec::new() },
        drop_ins: if systemd(Part::Units) { kubelet::conflicting_drop_ins(deadline)? } else { Vec::new() },
        failed: if systemd(Part::Units) { kubelet::failed(deadline)? } else { Vec::new() },
        preserved,
        temporary: if args.wants(Part::Temporary) { temporary::find(caller)? } else { Vec::new() },
        left_by_last_reset: record::read(),
        containerd,
        targets: looked.targets,
        unsafe_targets: looked.unsafe_targets,
        network,
        kept,
        conflicts,
        mounts,
        unfinished,
    })
}

fn conflicts(args: &Args, index: &Index<'_>, paths: &[PathBuf]) -> Vec<String> {
    let targets = preserve::Targets::of(index, paths);
    args.preserve.iter().filter_map(|path| targets.conflict(path)).collect()
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

impl State {
    /// Where preserved trees really are, as places.
    pub fn preserved_places(&self, index: &Index<'_>) -> Vec<preserve::Place> {
        let real = self.preserved.iter().map(|found| preserve::resolve(index, &found.path));
        real.filter_map(|path| preserve::Place::of(index, &path)).collect()
    }
}
