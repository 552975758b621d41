//! The cluster: its pod network, its Windows nodes, and flannel's objects as they are.

use crate::args::{Args, Nftables};
use crate::manifest::{self, Cluster};
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubeconfig::yaml;
use kubeadm::kubectl::Kubectl;
use serde_json::Value;

/// What was found.
#[derive(Debug, Clone)]
pub struct State {
    /// What the manifest depends on.
    pub cluster: Cluster,
    /// The objects we would write, each with what is in the cluster.
    pub objects: Vec<(Value, Option<Value>)>,
}

/// Reads it.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    anyhow::ensure!(
        args.kubeconfig.is_file(),
        "option kubeconfig is {:?}: there is no such file; run this on a control plane, after kubeadm init",
        args.kubeconfig.display().to_string()
    );
    let kubectl = Kubectl::new(&args.kubeconfig);
    let nodes = kubectl.list("nodes", deadline)?;
    let windows = nodes.iter().any(|n| n["status"]["nodeInfo"]["operatingSystem"] == "windows");
    let proxy_nftables =
        args.nftables == Nftables::Auto && proxy_mode(&kubectl, deadline)?.as_deref() == Some("nftables");
    let cluster = Cluster { network: network(args, &kubectl, deadline)?, windows, proxy_nftables };
    let mut objects = Vec::new();
    for wanted in manifest::objects(args, &cluster) {
        let text = |path: &str| wanted.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let namespace = wanted.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or("default");
        let live = kubectl.get(text("/kind"), text("/metadata/name"), namespace, deadline)?;
        objects.push((wanted, live));
    }
    Ok(State { cluster, objects })
}

/// The pod network kubeadm was told, IPv4 first. A pod network that is not the cluster's would give pods addresses that
/// no other node routes.
fn network(args: &Args, kubectl: &Kubectl, deadline: &Deadline) -> anyhow::Result<String> {
    let config = kubectl.get("configmap", "kubeadm-config", "kube-system", deadline)?;
    let text = config.as_ref().and_then(|c| c["data"]["ClusterConfiguration"].as_str());
    let of_cluster = text.and_then(|t| yaml(t).ok()?["networking"]["podSubnet"].as_str().map(str::to_owned));
    let of_cluster = of_cluster.and_then(|all| all.split(',').find(|n| !n.contains(':')).map(|n| n.trim().to_owned()));
    match (&args.network, of_cluster) {
        (Some(wanted), Some(found)) => {
            anyhow::ensure!(*wanted == found, "option network is {wanted:?}: the cluster's pod network is {found}; leave the option out to use that");
            Ok(found)
        }
        (Some(wanted), None) => Ok(wanted.clone()),
        (None, found) => found.context("the cluster names no pod network (podSubnet in ConfigMap kubeadm-config): give option network, such as 10.244.0.0/16"),
    }
}

/// kube-proxy's mode; none where it is left to kube-proxy, or where there is no kube-proxy.
fn proxy_mode(kubectl: &Kubectl, deadline: &Deadline) -> anyhow::Result<Option<String>> {
    let config = kubectl.get("configmap", "kube-proxy", "kube-system", deadline)?;
    let Some(text) = config.as_ref().and_then(|config| config["data"]["config.conf"].as_str()) else { return Ok(None) };
    let config = yaml(text).context("reading kube-proxy's configuration (config.conf in ConfigMap kube-proxy)")?;
    Ok(config["mode"].as_str().map(str::to_owned))
}
