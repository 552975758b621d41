//! What is there. Looks at everything the plan needs, and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use footprint::distributions::Active;
use host::deadline::Deadline;
use host::mounts::{self, Index, Mount};
use host::remove::What;
use host::{processes, systemd, users};

use crate::args::{Args, Level, Part};
use crate::journal::{self, Begun};
use crate::parts::kubectl::Edit;
use crate::parts::network::{self, Given, Network};
use crate::parts::runtime::holdings::Holdings;
use crate::parts::runtime::netns::{self, Deserted};
use crate::parts::runtime::{self as containerd, Containerd, pods, record};
use crate::parts::temporary::{self, RunFiles};
use crate::parts::{cni, elsewhere, etcd, held_addresses, kubectl, kubelet, others};
use crate::trees::look::{self, Found};
use crate::trees::manifest::Manifest;
use crate::trees::proof::{self, Proofs, Proved};
use crate::trees::targets::{self, CNI_CONF, Target};
use crate::trees::{images, preserve};

/// How often users are asked for again while new containers start.
const MOST_LOOKS: usize = 5;

/// The node as it is.
#[derive(Debug)]
pub struct State {
    /// What was asked for, widened by what an interrupted run was to do.
    pub args: Args,
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
    /// Mounts at targets that are proved to be this node's own.
    pub proved: Proved,
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

/// Whether systemd is in charge here (sd_booted(3)).
pub fn booted() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// Looks at everything.
pub fn observe(asked: &Args, run_files: RunFiles, deadline: &Deadline) -> Result<State> {
    let booted = booted();
    let mounts = mounts::table()?;
    let index = Index::of(&mounts);
    let unfinished = journal::unfinished()?;
    // An interrupted run had reasons to go further: it is finished first.
    let args = &unfinished.as_ref().map_or_else(|| asked.clone(), |(begun, _)| asked.and(begun));
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
    let cni_wanted =
        |path: &PathBuf| args.wants(Part::Cni) && (args.level == Level::Aggressive || !path.starts_with(CNI_CONF));
    let mut kept: Vec<(PathBuf, String)> = foreign_cni
        .iter()
        .filter(|path| cni_wanted(path))
        .map(|path| (path.clone(), "it is not the CNI network of Kubernetes".to_owned()))
        .collect();
    kept.extend(network.kept.iter().filter(|_| args.level == Level::Aggressive).cloned());
    if args.wants(Part::Network) {
        kept.extend(cni::pinned());
    }
    if args.wants(Part::Kubernetes) {
        kept.extend(held_addresses(&host::links::list(deadline)?));
    }
    if args.wants(Part::Pods) {
        let unproved = netns::unproved(&mounts, &pod_netns).into_iter();
        kept.extend(unproved.map(|path| (path, "no pod is known to have had it".to_owned())));
    }
    let mut wanted = targets::wanted(args);
    if args.wants(Part::Containerd) {
        wanted.retain(|target| target.part != Part::Containerd);
        wanted.extend(containerd.roots.targets()?);
    }
    if !containerd.is_ours() || containerd.is_stray() {
        kept.extend(not_ours(&containerd, &mut wanted));
    }
    for place in elsewhere::observe(args, &all_processes) {
        if args.own_paths.contains(&place.path) {
            wanted.push(place.target());
        } else {
            kept.push((place.path.clone(), place.why()));
        }
    }
    let kubeconfig = if args.wants(Part::Kubectl) {
        let home = kubectl::observe()?;
        wanted.extend(home.cache);
        kept.extend(home.kept);
        home.edit
    } else {
        None
    };
    let wanted_paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    let mut conflicts = conflicts(args, &index, &wanted_paths);
    let goes = |process: &processes::Process, owned: &[processes::Owned]| {
        // containerd itself is stopped before anything of its own is deleted.
        process.unit.as_deref() == Some(containerd::UNIT) || owned.iter().any(|own| own.pid == process.pid)
    };
    let own = |all: &[processes::Process]| -> BTreeSet<i32> {
        let owned = processes::owned(all, &[containerd::SOCKET]);
        all.iter().filter(|process| goes(process, &owned)).map(|process| process.pid).collect()
    };
    let before = own(&processes::list()?);
    let work = users::Work::of(before.iter().copied(), &proof::OPEN);
    let proved = unfinished.as_ref().map(|(begun, _)| begun.proved.clone()).unwrap_or_default();
    let proofs = Proofs { work: &work, earlier: &proved, booted, deadline };
    let (there, mut looked) = look::places(args, wanted, &index, &proofs)?;
    let paths: Vec<PathBuf> = there.iter().filter_map(|(_, place)| place.path()).collect();
    let users = users(&mounts, &paths, before, own)?;
    looked.unsafe_targets.extend(users.unresolved.iter().cloned());
    let sight = look::Sight { index: &index, users: &users, foreign: &foreign_cni, deadline };
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
        conflicts.extend(images::made_of(&index, &users, &found.path, &looked.targets));
    }
    let systemd = |part| booted && args.wants(part);
    Ok(State {
        args: args.clone(),
        kubelet: if booted { systemd::active_state("kubelet.service", deadline)? } else { String::new() },
        processes: own_processes,
        control_plane: etcd::signs()?,
        stacked_etcd: etcd::has_stacked_etcd(),
        netns: if args.wants(Part::Pods) { netns::deserted(&mounts, &pod_netns) } else { Vec::new() },
        other_kubernetes: others::active(booted, &all_processes, deadline)?,
        pod_netns,
        kubeconfig,
        drop_ins: if systemd(Part::Units) { kubelet::conflicting_drop_ins(deadline)? } else { Vec::new() },
        failed: if systemd(Part::Units) { kubelet::failed(deadline)? } else { Vec::new() },
        preserved,
        temporary: if args.wants(Part::Temporary) { temporary::find(run_files)? } else { Vec::new() },
        left_by_last_reset: record::read(),
        containerd,
        targets: looked.targets,
        unsafe_targets: looked.unsafe_targets,
        proved: looked.proved,
        network,
        kept,
        conflicts,
        mounts,
        unfinished,
    })
}

/// Who uses what, besides processes that are Kubernetes' or containerd's. A container that is about to start is told from
/// somebody else's only by the shim that it descends from: one that began while we looked is looked for afterwards, too.
fn users(
    mounts: &[Mount],
    paths: &[PathBuf],
    mut own: BTreeSet<i32>,
    list: impl Fn(&[processes::Process]) -> BTreeSet<i32>,
) -> Result<users::Users> {
    let me = std::process::id() as i32;
    let mut left = MOST_LOOKS;
    loop {
        let is_own = |pid: i32| pid == me || own.contains(&pid);
        let users = users::now(mounts, &users::Own { directories: paths, processes: &is_own })?;
        let more: BTreeSet<i32> = list(&processes::list()?).difference(&own).copied().collect();
        if more.is_empty() || left == 0 {
            return Ok(users);
        }
        left -= 1;
        own.extend(more);
    }
}

fn conflicts(args: &Args, index: &Index<'_>, paths: &[PathBuf]) -> Vec<String> {
    let targets = preserve::Targets::of(index, paths);
    args.preserve.iter().filter_map(|path| targets.conflict(path)).collect()
}

/// Whether this is a node of a cluster, or has been until now.
fn is_in_cluster(containerd: &Containerd) -> bool {
    let files = [
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/bootstrap-kubelet.conf",
        "/etc/kubernetes/admin.conf",
        "/var/lib/kubelet/config.yaml",
    ];
    let pods = containerd.sandboxes.as_ref().is_ok_and(|list| !list.is_empty());
    pods || files.iter().any(|path| Path::new(path).exists())
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

impl State {
    /// Where preserved trees really are, as places.
    pub fn preserved_places(&self, index: &Index<'_>) -> Vec<preserve::Place> {
        let real = self.preserved.iter().map(|found| preserve::resolve(index, &found.path));
        real.filter_map(|path| preserve::Place::of(index, &path)).collect()
    }
}
