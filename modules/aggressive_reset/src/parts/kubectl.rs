//! root's kubeconfig: whether it is this cluster's.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use host::files;

/// Where kubeadm and the kubelet name this cluster's API server.
const OURS: [&str; 4] = ["admin.conf", "kubelet.conf", "bootstrap-kubelet.conf", "super-admin.conf"];

/// API servers in root's kubeconfig that cannot be told to be this cluster's. Empty when there is no such file, and when
/// it names no server at all. Where nothing tells any more which cluster this node was in, all are others: a second run
/// must not delete what the first one kept.
pub fn other_servers(config: &Path) -> Result<Vec<String>> {
    let named = servers(config)?;
    let mut ours = BTreeSet::new();
    for name in OURS {
        ours.extend(servers(&Path::new("/etc/kubernetes").join(name))?);
    }
    Ok(named.difference(&ours).cloned().collect())
}

fn servers(path: &Path) -> Result<BTreeSet<String>> {
    let Some(bytes) = files::read_optional(path).ok().flatten() else { return Ok(BTreeSet::new()) };
    let document = kubeadm::kubeconfig::yaml(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
    let clusters = document["clusters"].as_array().cloned().unwrap_or_default();
    Ok(clusters.iter().filter_map(|entry| entry["cluster"]["server"].as_str()).map(str::to_owned).collect())
}
