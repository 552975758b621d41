//! What is there. Looks at everything the plan needs, and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use footprint::distributions::{self, Active};
use host::deadline::Deadline;
use host::mounts::{self, Mount};
use host::remove::{self, Identity, Keep, Removed, What};
use host::{processes, systemd};

use crate::Caller;
use crate::args::{Args, Level, Part};
use crate::journal::{self, Begun};
use crate::parts::kubectl::Edit;
use crate::parts::network::{self, Given, Network};
use crate::parts::runtime::holdings::Holdings;
use crate::parts::runtime::netns::{self, Deserted};
use crate::parts::runtime::{self as containerd, Containerd, pods, record};
use crate::parts::{cni, etcd, kubectl, kubelet, temporary};
use crate::trees::manifest::Manifest;
use crate::trees::place::{self, Place};
use crate::trees::targets::{self, CNI_CONF, MANIFESTS, Target};
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
    pub netns: Vec<Deserted>,
    /// Where pods' network namespaces are, by CRI's and CNI's word.
    pub pod_netns: BTreeSet<PathBuf>,
    /// Other distributions of Kubernetes that are at work here.
    pub other_kubernetes: Vec<Active>,
    /// What is taken out of root's kubeconfig.
    pub kubeconfig: Option<Edit>,
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
    pub left_by_last_reset: Option<Holdings>,
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
    let networks = cni::observe(containerd.network.as_deref(), is_in_cluster(&containerd))?;
    let all_processes = processes::list()?;
    let own_processes = processes::owned(&all_processes, &[containerd::SOCKET]);
    let mut pod_netns = networks.sandboxes.clone();
    pod_netns.extend(pods::namespaces(containerd.sandboxes.as_deref().unwrap_or_default(), deadline));
    let mut pod_networks = unfinished.as_ref().map(|(begun, _)| begun.pod_networks.clone()).unwrap_or_default();
    pod_networks.extend(args.pod_networks.iter().cloned());
    let mut namespaces = pods::namespaces_of_processes(&own_processes);
    namespaces.extend(pod_netns.iter().cloned());
    let foreign_cni = networks.foreign.clone();
    let network = if args.wants(Part::Network) || args.wants(Part::Firewall) {
        network::observe(Given { pod_networks, cni: networks, namespaces, proved: Vec::new() }, deadline)?
    } else {
        Network::default()
    };
    let cni_wanted = |path: &PathBuf| args.wants(Part::Cni) && (args.level == Level::Aggressive || !path.starts_with(CNI_CONF));
    let mut kept: Vec<(PathBuf, String)> = foreign_cni
        .iter()
        .filter(|path| cni_wanted(path))
        .map(|path| (path.clone(), "it is not the CNI network of Kubernetes".to_owned()))
        .collect();
    kept.extend(network.kept.iter().filter(|_| args.level == Level::Aggressive).cloned());
    let mut wanted = targets::wanted(args);
    if args.wants(Part::Containerd) {
        wanted.retain(|target| target.part != Part::Containerd);
        wanted.extend(containerd.roots.targets()?);
    }
    if !containerd.is_ours() || containerd.is_stray() {
        kept.extend(not_ours(&containerd, &mut wanted));
    }
    let kubeconfig = if args.wants(Part::Kubectl) {
        let home = kubectl::observe()?;
        wanted.extend(home.cache);
        kept.extend(home.kept);
        home.edit
    } else {
        None
    };
    let conflicts = conflicts(args, &mounts, &wanted);
    let (mut targets, mut unsafe_targets) = (Vec::new(), Vec::new());
    let paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    for target in wanted {
        match place::judge(&target, &mounts, deadline)? {
            Place::Nothing => {}
            Place::Own => targets.push(look(target, &mounts, &foreign_cni, &paths, deadline)?),
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
        processes: own_processes,
        control_plane: etcd::signs()?,
        stacked_etcd: etcd::has_stacked_etcd(),
        netns: if args.wants(Part::Pods) { netns::deserted(&mounts, &pod_netns) } else { Vec::new() },
        other_kubernetes: distributions(booted, &all_processes, deadline)?,
        pod_netns,
        kubeconfig,
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

/// Other distributions of Kubernetes that are at work here.
fn distributions(booted: bool, all: &[processes::Process], deadline: &Deadline) -> Result<Vec<Active>> {
    let mut units = Vec::new();
    for unit in distributions::TABLE.iter().flat_map(|row| row.units).filter(|_| booted) {
        if matches!(systemd::active_state(unit, deadline)?.as_str(), "active" | "activating" | "reloading") {
            units.push((*unit).to_owned());
        }
    }
    let address = |process: &'_ processes::Process| {
        let is_shim = process.program().is_some_and(|name| name.starts_with("containerd-shim"));
        let at = process.argv.iter().position(|word| word == "-address").filter(|_| is_shim)?;
        process.argv.get(at + 1).cloned()
    };
    let sockets: Vec<Option<String>> = all.iter().map(address).collect();
    let seen = all.iter().zip(&sockets).filter(|(process, _)| process.same_namespace).filter_map(|(process, socket)| {
        let exe = process.exe.as_deref()?.to_str()?;
        let (unit, socket) = (process.unit.as_deref(), socket.as_deref());
        Some(distributions::Process { pid: process.pid, exe, unit, socket })
    });
    Ok(distributions::active(&units, &seen.collect::<Vec<_>>()))
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
    let survey = match remove::Target::open(&target.path)? {
        Some(held) => remove::survey(&held, Keep::spare(&spare), MOST_ENTRIES, deadline)?,
        None => Removed::default(),
    };
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
        let left = containerd::pod_directories(&containerd.roots);
        wanted.extend(left.into_iter().map(|path| Target { part: Part::Containerd, path, what: What::Contents }));
    }
    taken.into_iter().map(|target| (target.path, why.clone())).collect()
}

fn conflicts(args: &Args, mounts: &[Mount], wanted: &[Target]) -> Vec<String> {
    let paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    args.preserve.iter().filter_map(|path| preserve::conflict(mounts, path, &paths)).collect()
}
