//! What a join writes, so that a failed attempt can be taken back: file by file, never a directory.
//!
//! Only what was not there before the attempt is removed. What needs more than that is a reset.

use host::deadline::Deadline;
use host::links::{self, Link};
use host::{files, systemd};
use kubeadm::{gate, kubeconfig};
use std::path::{Path, PathBuf};

/// Files kubeadm and the kubelet write during a join.
const FILES: &[&str] = &[
    kubeconfig::BOOTSTRAP_CONF,
    kubeconfig::KUBELET_CONF,
    kubeconfig::CA_CERT,
    gate::CONFIG,
    "/var/lib/kubelet/kubeadm-flags.env",
    "/var/lib/kubelet/instance-config.yaml",
];
/// Where the kubelet keeps its client's key and certificate, under names with dates.
const KEYS: &str = "/var/lib/kubelet/pki";
/// What kubeadm refuses to find (`FileAvailable`), and what leads a new kubelet astray.
const CREDENTIALS: &[&str] = &[kubeconfig::BOOTSTRAP_CONF, kubeconfig::KUBELET_CONF, kubeconfig::CA_CERT];

/// What flannel and the placeholder call the pods' bridge.
const BRIDGE: &str = "cni0";
/// flannel writes it when it starts; its plugin makes pods from it.
const SUBNET: &str = "/run/flannel/subnet.env";
/// What the kubelet's CPU and memory managers remember of pods that are gone; under another policy it does not start.
const MANAGER_STATE: &[&str] = &["/var/lib/kubelet/cpu_manager_state", "/var/lib/kubelet/memory_manager_state"];

/// What was there before an attempt.
#[derive(Debug, Clone)]
pub struct Snapshot(Vec<PathBuf>);

impl Snapshot {
    /// Looks.
    pub fn take() -> anyhow::Result<Self> {
        present().map(Snapshot)
    }

    /// Stops the kubelet and removes what has come since. Says what was removed.
    pub fn undo(&self, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
        let new: Vec<PathBuf> = present()?.into_iter().filter(|path| !self.0.contains(path)).collect();
        remove(&new, deadline)
    }
}

/// Removes credentials that lead nowhere and state that holds for no pod any more. Says what was removed.
pub fn remove_credentials(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let wanted: Vec<PathBuf> = CREDENTIALS.iter().chain(MANAGER_STATE).map(PathBuf::from).chain(keys()?).collect();
    let there: Vec<PathBuf> = wanted.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect();
    remove(&there, deadline)
}

/// The pods' network of an earlier life, when no pod is in it any more: the cluster may give this node another. On the old
/// bridge the plugin then refuses every pod ("cni0 already has an IP address different from"). And a pod that starts before flannel
/// has written its file anew is made with the old one, bridge and all, and is reached by nobody: seen on a real 1.20.2 after
/// kubeadm's own reset, which leaves both. Another distribution's flannel may be the one that wrote it. Says what was removed.
pub fn remove_deserted_network(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut removed = Vec::new();
    let links = links::list(deadline)?;
    if let Some(bridge) = deserted(&links) {
        links::delete(std::slice::from_ref(bridge), deadline)?;
        removed.push(format!("removed the deserted bridge {BRIDGE}"));
    } else if links.iter().any(|link| link.name == BRIDGE) {
        return Ok(removed);
    }
    if Path::new(SUBNET).exists() && node::distributions::active()?.is_empty() && files::delete_file(SUBNET)? {
        removed.push(format!("removed {SUBNET} of an earlier life"));
    }
    Ok(removed)
}

fn deserted(links: &[Link]) -> Option<&Link> {
    let bridge = links.iter().find(|link| link.name == BRIDGE && link.kind == "bridge")?;
    links.iter().all(|link| link.master != Some(bridge.index)).then_some(bridge)
}

/// Removes the token's credentials, which kubeadm leaves behind when it is killed.
pub fn remove_bootstrap() -> anyhow::Result<bool> {
    files::delete_file(kubeconfig::BOOTSTRAP_CONF)
}

fn remove(paths: &[PathBuf], deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    if paths.is_empty() {
        return Ok(Vec::new());
    }
    // A kubelet that runs would write some of them again.
    systemd::stop(crate::observe::UNIT, deadline)?;
    let mut removed = Vec::new();
    for path in paths {
        if files::delete_file(path)? {
            removed.push(path.display().to_string());
        }
    }
    Ok(removed)
}

fn present() -> anyhow::Result<Vec<PathBuf>> {
    let fixed = FILES.iter().map(PathBuf::from).filter(|path| path.symlink_metadata().is_ok());
    Ok(fixed.chain(keys()?).collect())
}

fn keys() -> anyhow::Result<Vec<PathBuf>> {
    let names = files::names(KEYS)?;
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("kubelet-client");
    Ok(names.iter().filter(|name| ours(name)).map(|name| Path::new(KEYS).join(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_deserted_when_no_link_is_its_port() {
        let link = |index, name: &str, kind: &str, master| Link {
            index,
            name: name.into(),
            kind: kind.into(),
            master,
            ..Link::default()
        };
        let bridge = link(7, "cni0", "bridge", None);
        assert_eq!(deserted(&[bridge.clone(), link(8, "veth1", "veth", None)]).map(|link| link.index), Some(7));
        assert!(deserted(&[bridge, link(8, "veth1", "veth", Some(7))]).is_none());
        assert!(deserted(&[link(9, "cni0", "dummy", None), link(10, "br0", "bridge", None)]).is_none());
    }
}
