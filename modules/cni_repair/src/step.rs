//! One step of a repair, and its words.

use crate::ahead::Ahead;
use crate::observe::Pod;
use host::links::{Address, Hairpin, Link};
use node::cni::Bridged;
use node::handover;
use std::path::PathBuf;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Let go of the kubelet and start it.
    ReleaseKubelet,
    /// Remove what is left of the placeholder, as `cni_placeholder` does.
    HandOver(Box<handover::plan::Plan>),
    /// Recreate pods, with the kubelet held back; and with them the bridge, if no pod stays on it.
    Rebuild(Box<Rebuild>),
    /// Delete a bridge that no pod is on.
    DeleteBridge(Box<Link>),
    /// Make the bridge.
    AddBridge(String),
    /// Set a link up.
    SetUp(String),
    /// Take an address from the bridge.
    DeleteAddress(String, Address),
    /// Give the bridge its address.
    AddAddress(String, Address),
    /// Attach a pod's link to the bridge.
    Attach(String, String, Hairpin),
    /// Delete flannel's tunnel, which it makes anew as it has to be.
    DeleteTunnel(Vec<Link>),
    /// Make flannel's pods on this node anew, those that have a sandbox here; with what was missing of what they bring.
    RestartFlannel(Vec<Pod>, Box<Ahead>),
    /// Copy files that hide the real network or are damaged, and delete them.
    SetAside {
        /// The files.
        files: Vec<PathBuf>,
        /// Whether another network is behind them, which the runtime has to load now.
        loads: bool,
    },
    /// Link the distribution's plugins to where the runtime looks, as (plugin, link).
    LinkPlugins(Vec<(PathBuf, PathBuf)>),
    /// Tell pods the hardware address of a bridge that was made anew.
    Announce(String),
    /// Delete leases of sandboxes that no longer exist.
    DeleteLeases(Vec<PathBuf>),
}

/// Pods that are recreated, with all that was made for them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rebuild {
    /// The network that they will be on.
    pub network: Bridged,
    /// The pods.
    pub pods: Vec<Pod>,
    /// The bridge and its ports, ports first, as the kernel showed them; empty to keep it.
    pub links: Vec<Link>,
    /// Their leases and libcni's records of them.
    pub files: Vec<PathBuf>,
}

impl Step {
    /// The step as the result and `--diff` show it.
    pub fn describe(&self) -> Vec<String> {
        match self {
            Step::ReleaseKubelet => vec!["let go of the kubelet and start it".into()],
            Step::HandOver(plan) => vec![format!("hand over from the placeholder: {}", plan.reason)],
            Step::Rebuild(rebuild) => {
                let Rebuild { pods, links, .. } = rebuild.as_ref();
                let links = links.iter().map(|link| format!("delete link {}", link.name));
                ["hold the kubelet back".to_owned()]
                    .into_iter()
                    .chain(pods.iter().map(|pod| format!("recreate pod {}", pod.name)))
                    .chain(links)
                    .chain(["start the kubelet".to_owned()])
                    .collect()
            }
            Step::DeleteTunnel(links) => links.iter().map(|link| format!("delete link {}", link.name)).collect(),
            Step::DeleteBridge(bridge) => vec![format!("delete bridge {}", bridge.name)],
            Step::AddBridge(name) => vec![format!("make bridge {name}")],
            Step::SetUp(name) => vec![format!("set {name} up")],
            Step::DeleteAddress(name, address) => vec![format!("take {address} from {name}")],
            Step::AddAddress(name, address) => vec![format!("give {name} {address}")],
            Step::Attach(veth, bridge, _) => vec![format!("attach {veth} to {bridge}")],
            Step::Announce(name) => vec![format!("announce {name} to its pods")],
            Step::SetAside { files, .. } => files.iter().map(|path| format!("put {} aside", path.display())).collect(),
            Step::LinkPlugins(links) => {
                let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                links.iter().map(|(plugin, _)| format!("link plugin {}", name(plugin))).collect()
            }
            Step::RestartFlannel(pods, _) if pods.is_empty() => vec!["recreate flannel's pod".to_owned()],
            Step::RestartFlannel(pods, _) => pods.iter().map(|pod| format!("recreate pod {}", pod.name)).collect(),
            Step::DeleteLeases(paths) => paths.iter().map(|path| format!("delete {}", path.display())).collect(),
        }
    }
}
