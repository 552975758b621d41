//! One step of a repair, and its words.

use crate::observe::{Pod, State};
use host::links::{Address, Link};
use std::path::PathBuf;

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Let go of the kubelet and start it.
    ReleaseKubelet,
    /// Remove what is left of the placeholder, as `cni_placeholder` does.
    HandOver,
    /// Recreate pods, with the kubelet held back; and with them the bridge, if no pod stays on it.
    Rebuild {
        /// The pods.
        pods: Vec<Pod>,
        /// The bridge and its ports, ports first, as the kernel showed them; empty to keep it.
        links: Vec<Link>,
    },
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
    Attach(String, String),
    /// Delete flannel's tunnel, which it makes anew as it has to be.
    DeleteTunnel(Vec<Link>),
    /// Make flannel's pods on this node anew; those that have a sandbox here.
    RestartFlannel(Vec<Pod>),
    /// Copy configuration files that hide the real network, and delete them.
    SetAside(Vec<PathBuf>),
    /// Link the distribution's plugins to where the runtime looks, as (plugin, link).
    LinkPlugins(Vec<(PathBuf, PathBuf)>),
    /// Tell pods the hardware address of a bridge that was made anew.
    Announce(String),
    /// Delete leases of sandboxes that no longer exist.
    DeleteLeases(Vec<PathBuf>),
}

impl Step {
    /// The step as the result and `--diff` show it.
    pub fn describe(&self, state: &State) -> Vec<String> {
        match self {
            Step::ReleaseKubelet => vec!["let go of the kubelet and start it".into()],
            Step::HandOver => vec![format!("hand over from the placeholder: {}", state.handover.reason)],
            Step::Rebuild { pods, links } => {
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
            Step::Attach(veth, bridge) => vec![format!("attach {veth} to {bridge}")],
            Step::Announce(name) => vec![format!("announce {name} to its pods")],
            Step::SetAside(paths) => paths.iter().map(|path| format!("put {} aside", path.display())).collect(),
            Step::LinkPlugins(links) => {
                let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                links.iter().map(|(plugin, _)| format!("link plugin {}", name(plugin))).collect()
            }
            Step::RestartFlannel(pods) if pods.is_empty() => vec!["recreate flannel's pod".to_owned()],
            Step::RestartFlannel(pods) => pods.iter().map(|pod| format!("recreate pod {}", pod.name)).collect(),
            Step::DeleteLeases(paths) => paths.iter().map(|path| format!("delete {}", path.display())).collect(),
        }
    }
}
