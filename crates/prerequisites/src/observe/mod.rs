//! The facts the checks judge. Looks only; a fact that cannot be had is left at the value that says so.

mod answers;
mod api;
mod boot;
mod drop_ins;
mod facts;
pub mod ipv6;
mod kernel;
mod listeners;
mod runtime;
mod way;

use answers::Answers;
pub use answers::{Asked, ask};
pub use api::{Api, claimed_ca, clock_of};
pub use facts::{Disk, Facts};
pub use listeners::{Listener, observe as listeners};
pub use runtime::Runtime;
pub use way::Way;

use crate::planned::{PlannedJoin, Scope, Swap};
use crate::settings::{FORWARDING, MODULES};
use crate::swap;
use host::deadline::Deadline;
use host::{files, space, systemd};
use kubeadm::gate::{CONFIG, KUBELET};
use kubeadm::kubeconfig;
use kubeadm::programs::PROGRAMS;
use kubeadm::{dropin, kubelet_files, program};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// One question to a program.
const QUESTION: Duration = Duration::from_secs(15);
/// What a join that was never undone leaves.
const LEFTOVERS: [&str; 4] =
    [kubeconfig::BOOTSTRAP_CONF, kubeconfig::KUBELET_CONF, kubeconfig::CA_CERT, "/etc/kubernetes/manifests"];

/// Looks at everything.
pub fn observe(join: &PlannedJoin, deadline: &Deadline) -> Facts {
    learn(join, ask(join, deadline), deadline)
}

/// Looks at everything but what has been asked already.
pub fn learn(join: &PlannedJoin, asked: Asked, deadline: &Deadline) -> Facts {
    let limit = deadline.at_most(QUESTION);
    let Answers { unit, started, firewalls, kubeadm, kubelet, runtime, api } = asked.answers(deadline);
    let config = files::read_text(CONFIG).ok().flatten().and_then(|text| kubeconfig::yaml(&text).ok());
    let joined = conf_with_certificate();
    let node_name = join.node_name.clone().unwrap_or_else(|| text("/proc/sys/kernel/hostname").to_lowercase());
    let (useless_files, loopback_resolvers) = named_files(config.as_ref(), started.as_ref(), &limit);
    let mut facts = Facts {
        now: Some(SystemTime::now()),
        way: way::observe(join, &node_name, config.as_ref()),
        filesystems: ["/var/lib/kubelet", "/var/lib/containerd"].into_iter().filter_map(disk).collect(),
        node_name,
        machine_id: text("/etc/machine-id"),
        kubeadm,
        kubelet,
        unit_load: unit.get("LoadState").cloned().unwrap_or_default(),
        has_kubeconfig: started.as_ref().is_none_or(dropin::Started::has_kubeconfig),
        missing_programs: PROGRAMS.iter().filter(|program| !on_path(program.name)).collect(),
        leftovers: LEFTOVERS.iter().filter(|path| there(path)).map(|path| (*path).to_owned()).collect(),
        joined,
        kubelet_allows_swap: config.as_ref().map(|config| config["failSwapOn"] == false),
        kubelet_allows_cgroup_v1: config.as_ref().map(|config| config["failCgroupV1"] == false),
        kubelet_systemd_driver: config.as_ref().map(|config| config["cgroupDriver"] != "cgroupfs"),
        useless_files,
        loopback_resolvers,
        runtime,
        listeners: listeners::observe(),
        firewalls,
        api,
        ..Facts::default()
    };
    kernel::observe(&mut facts, &limit);
    if join.scope == Scope::Kernel {
        let boot = boot::Boot::observe();
        facts.not_at_boot = boot.map_or_else(|_| MODULES.to_vec(), |boot| boot.missing(&MODULES, &FORWARDING));
    }
    if join.has_ipv6_pods() {
        ipv6::observe(&mut facts);
    }
    if join.swap == Swap::Off {
        facts.swap_at_boot = swap::at_boot(&limit).unwrap_or_else(|error| vec![format!("{error:#}")]);
    }
    (facts.malformed_drop_ins, facts.shadowed_drop_ins) = drop_ins::observe(KUBELET);
    facts
}

/// What is wrong with the files that the kubelet is told of, and the loopback name servers that it will hand on. Before there
/// is a configuration it is the resolv.conf that kubeadm will name: systemd-resolved's where that runs.
fn named_files(
    config: Option<&Value>,
    started: Option<&dropin::Started>,
    deadline: &Deadline,
) -> (Vec<String>, Vec<String>) {
    let args = started.map(|started| started.exec_start.clone()).unwrap_or_default();
    let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    if let Some(config) = config {
        let useless = kubelet_files::useless(config, &args).iter().map(ToString::to_string).collect();
        return (useless, kubelet_files::loopback_resolvers(config, &args));
    }
    let resolved = systemd::active_state("systemd-resolved.service", deadline).is_ok_and(|state| state == "active");
    let path = if resolved { kubelet_files::RESOLVED_CONF } else { kubelet_files::RESOLV_CONF };
    let why = kubelet_files::resolv_conf(Path::new(path));
    let useless = why.map(|why| format!("resolvConf will name {path}, which {why}")).into_iter().collect();
    (useless, kubelet_files::loopback_resolvers(&json!({ "resolvConf": path }), &args))
}

/// A file's content without white space around it; empty when it cannot be read.
fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The nearest directory that is there, because /var/lib/kubelet need not be.
fn disk(path: &str) -> Option<Disk> {
    let there = Path::new(path).ancestors().find(|ancestor| ancestor.is_dir())?;
    let space = space::of(there).ok()?;
    Some(Disk {
        path: path.to_owned(),
        bytes: space.bytes,
        available: space.available,
        inodes: space.inodes,
        inodes_available: space.inodes_available,
        read_only: space.read_only,
    })
}

fn on_path(name: &str) -> bool {
    program::search_path().split(':').any(|dir| PathBuf::from(dir).join(name).is_file())
}

/// A file, or a directory with something in it.
fn there(path: &str) -> bool {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => files::names(path).is_ok_and(|names| !names.is_empty()),
        Ok(_) => true,
        Err(_) => false,
    }
}

/// The kubelet writes kubelet.conf before its certificate is there.
fn conf_with_certificate() -> bool {
    kubeconfig::read(kubeconfig::KUBELET_CONF)
        .ok()
        .flatten()
        .is_some_and(|conf| conf.client_certificate.is_none_or(|path| path.exists()))
}
