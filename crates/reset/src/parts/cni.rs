//! CNI networks: which are Kubernetes', and what of configuration and state is somebody else's. podman (before netavark),
//! nerdctl and people use the same directories.
//!
//! A network is Kubernetes' when it is in force on a node of a cluster (the conf that containerd's CRI has loaded, or would
//! load), when its plugin or its name is one of `footprint::cni`, or when a cached result names a pod. In force alone says
//! nothing: once Kubernetes' own conf is gone, containerd loads whatever is left, and a second reset must not take that for
//! Kubernetes'. A network that puts pods into the LAN is only theirs when a pod was in it. Never when podman or nerdctl made it: their
//! networks are called `podman` or have bridges `cni-podmanN` (containers/common, `libnetwork/cni`), nerdctl's have the
//! label `nerdctl/...` or bridges `nerdctlN` (nerdctl, `pkg/netutil`). All others are somebody else's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use host::cidr::Cidr;
use host::cni::Network;
use host::{cni, files};
use serde_json::Value;

use crate::trees::targets::{CNI_CONF, CNI_STATE};

/// CNI's networks on this node.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Networks {
    /// Names of Kubernetes' own.
    pub ours: BTreeSet<String>,
    /// Where their pods get addresses from, as their confs say.
    pub subnets: Vec<Cidr>,
    /// Bridges that their confs name.
    pub bridges: BTreeSet<String>,
    /// Network namespaces of pods, as cached results name them: `/run/netns/cni-...`.
    pub sandboxes: BTreeSet<PathBuf>,
    /// Files and directories of other networks, which stay.
    pub foreign: Vec<PathBuf>,
}

/// Plugins that put a pod straight into the machine's own network: its addresses are the LAN's, not pods'.
const OF_THE_LAN: [&str; 6] = ["macvlan", "ipvlan", "host-device", "vlan", "dhcp", "sriov"];
/// The network that containerd itself makes for a pod's loopback (go-cni, `namespace_opts.go`).
const LOOPBACK: &str = "cni-loopback";

/// Looks through configuration and state. `in_force` is the network that CRI says it has loaded, when it answers; `in_cluster`, whether
/// this is a node of a cluster.
pub fn observe(in_force: Option<&str>, in_cluster: bool) -> Result<Networks> {
    let mut found = Networks::default();
    let cached = cached()?;
    found.ours.extend(cached.iter().filter(|entry| entry.of_pod).map(|entry| entry.network.clone()));
    let confs = confs()?;
    let made_by_others: BTreeSet<&str> =
        confs.iter().filter(|conf| conf.others).map(|conf| conf.network.name.as_str()).collect();
    // Without its word: containerd loads the first file by name.
    let first = confs.iter().find(|conf| conf.top && !conf.others).map(|conf| conf.network.name.as_str());
    let in_force = in_force.or(first).filter(|_| in_cluster);
    for conf in &confs {
        let network = &conf.network;
        let known = network.types().iter().any(|kind| footprint::cni::of_type(kind).is_some())
            || footprint::cni::is_known_network(&network.name)
            || found.ours.contains(&network.name);
        let of_pods = in_force == Some(&network.name) && !is_of_the_lan(network);
        if conf.top && !conf.others && (known || of_pods) {
            found.ours.insert(network.name.clone());
            found.subnets.extend(subnets(network));
            found.bridges.extend(bridges(network));
        } else {
            found.foreign.push(conf.path.clone());
        }
    }
    found.ours.extend(
        ["cni0", "cbr0", "k8s-pod-network", LOOPBACK]
            .iter()
            .filter(|n| !made_by_others.contains(**n))
            .map(|n| (*n).to_owned()),
    );
    found.ours.retain(|name| !made_by_others.contains(name.as_str()));
    for entry in cached {
        if entry.of_pod || found.ours.contains(&entry.network) && entry.network != LOOPBACK {
            found.sandboxes.extend(entry.sandboxes);
        } else if entry.network != LOOPBACK || !entry.readable {
            found.foreign.push(entry.path);
        }
    }
    let leases = Path::new(CNI_STATE).join("networks");
    for name in files::names(&leases)? {
        if !found.ours.contains(name.to_string_lossy().as_ref()) {
            found.foreign.push(leases.join(name));
        }
    }
    found.foreign.retain(|path| std::fs::symlink_metadata(path).is_ok());
    Ok(found)
}

/// What network plugins have pinned in bpffs: the programs go on working until the next boot, and taking a pin away from
/// under a running network cuts the machine off. Told, never deleted.
pub fn pinned() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for row in footprint::cni::TABLE {
        for pin in row.pins.iter().map(Path::new) {
            let (Some(directory), Some(start)) = (pin.parent(), pin.file_name()) else { continue };
            let start = start.to_string_lossy();
            // A beginning such as `cilium_`, or the whole name of a directory.
            let is = |name: &str| if start.ends_with('_') { name.starts_with(&*start) } else { name == start };
            let names = files::names(directory).unwrap_or_default();
            if names.iter().any(|name| is(&name.to_string_lossy())) {
                found.push((pin.to_owned(), format!("what {} has pinned here works until the next boot", row.name)));
            }
        }
    }
    found
}

/// A network configuration.
struct Conf {
    path: PathBuf,
    network: Network,
    /// podman or nerdctl made it.
    others: bool,
    /// It lies where containerd looks, and not in a directory of nerdctl's below.
    top: bool,
}

fn confs() -> Result<Vec<Conf>> {
    let mut found = Vec::new();
    for name in files::names(CNI_CONF)? {
        let path = Path::new(CNI_CONF).join(&name);
        // nerdctl keeps those of its namespaces in directories.
        if path.is_dir() {
            let inner = files::names(&path)?.into_iter().map(|name| path.join(name));
            found.extend(inner.filter_map(|file| conf(file, false)));
        } else {
            found.extend(conf(path, true));
        }
    }
    Ok(found)
}

/// Nothing for a file that is not a configuration, or that nobody can read: it has no network.
fn conf(path: PathBuf, top: bool) -> Option<Conf> {
    if !cni::is_conf(&path) || !path.is_file() {
        return None;
    }
    let bytes = files::read_optional(&path).ok().flatten()?;
    let network = cni::parse(&bytes, path.extension().is_some_and(|end| end == "conflist")).ok()?;
    let whole: Value = serde_json::from_slice(&bytes).ok()?;
    Some(Conf { others: is_made_by_others(&network.name, &whole), path, network, top })
}

fn is_made_by_others(name: &str, conf: &Value) -> bool {
    let plugins = conf["plugins"].as_array().map_or_else(|| vec![conf], |list| list.iter().collect());
    let bridges = plugins.iter().filter_map(|plugin| plugin["bridge"].as_str().or_else(|| plugin["master"].as_str()));
    let theirs = |bridge: &str, prefix: &str| {
        bridge
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == "podman"
        || conf.get("nerdctlID").is_some()
        || conf.get("nerdctlLabels").is_some()
        || conf["args"].get("podman_labels").is_some()
        || conf["args"].get("podman_options").is_some()
        || bridges.into_iter().any(|bridge| theirs(bridge, "cni-podman") || theirs(bridge, "nerdctl"))
}

fn is_of_the_lan(network: &Network) -> bool {
    network.types().iter().any(|kind| OF_THE_LAN.contains(kind))
}

fn subnets(network: &Network) -> Vec<Cidr> {
    if is_of_the_lan(network) {
        return Vec::new();
    }
    let mut texts = Vec::new();
    for ipam in network.plugins.iter().filter_map(|plugin| plugin.get("ipam")) {
        if ipam["type"].as_str().is_some_and(|kind| OF_THE_LAN.contains(&kind)) {
            continue;
        }
        let ranges = ipam["ranges"].as_array().into_iter().flatten().filter_map(Value::as_array).flatten();
        let all = ranges.map(|range| &range["subnet"]).chain([&ipam["subnet"]]);
        texts.extend(all.filter_map(Value::as_str).map(str::to_owned));
    }
    texts.iter().filter_map(|text| text.trim().parse().ok()).collect()
}

/// The bridge plugin's is cni0 unless the conf says otherwise; flannel's plugin calls it, too.
fn bridges(network: &Network) -> Vec<String> {
    let of_plugin = |plugin: &serde_json::Map<String, Value>| {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        match plugin.get("type").and_then(Value::as_str) {
            Some("bridge") => Some(text(plugin.get("bridge")).unwrap_or_else(|| "cni0".to_owned())),
            Some("flannel") => {
                let delegate = plugin.get("delegate").and_then(|delegate| delegate.get("bridge"));
                Some(text(delegate).unwrap_or_else(|| "cni0".to_owned()))
            }
            _ => None,
        }
    };
    network.plugins.iter().filter_map(of_plugin).collect()
}

/// A result that libcni keeps of an ADD (containernetworking/cni, `libcni/api.go`: cacheAdd).
struct Cached {
    path: PathBuf,
    network: String,
    /// Its arguments name a pod of Kubernetes'.
    of_pod: bool,
    sandboxes: Vec<PathBuf>,
    readable: bool,
}

fn cached() -> Result<Vec<Cached>> {
    let mut found = Vec::new();
    for inner in ["results", "cache", "cache/results"] {
        let directory = Path::new(CNI_STATE).join(inner);
        for name in files::names(&directory)? {
            let path = directory.join(&name);
            if path.is_file() {
                found.push(entry(path, &name.to_string_lossy()));
            }
        }
    }
    Ok(found)
}

fn entry(path: PathBuf, name: &str) -> Cached {
    let bytes = files::read_optional(&path).ok().flatten().unwrap_or_default();
    let value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    // NETWORK-CONTAINER-INTERFACE: container ids have no hyphen, networks may.
    let by_name = name.rsplitn(3, '-').nth(2).unwrap_or_default();
    let network = value["networkName"].as_str().unwrap_or(by_name).to_owned();
    let of_pod = value["cniArgs"].as_array().into_iter().flatten().any(|pair| pair[0] == "K8S_POD_NAME");
    let interfaces = value["result"]["interfaces"].as_array().into_iter().flatten();
    let sandboxes = interfaces.filter_map(|interface| interface["sandbox"].as_str()).filter(|path| !path.is_empty());
    let sandboxes = sandboxes.map(real_run).collect();
    Cached { path, network, of_pod, sandboxes, readable: value.is_object() }
}

/// /var/run is a link to /run, where the mount table shows what is there.
pub fn real_run(path: &str) -> PathBuf {
    path.strip_prefix("/var/run/").map_or_else(|| PathBuf::from(path), |rest| Path::new("/run").join(rest))
}

#[cfg(test)]
#[path = "cni_tests.rs"]
mod tests;
