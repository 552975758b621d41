//! The Node, as the cluster has it.

use crate::args::Args;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;
use serde_json::Value;

/// What matters of a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `status.nodeInfo.machineID`.
    pub machine_id: String,
    /// `status.nodeInfo.systemUUID`.
    pub system_uuid: String,
    /// The Ready condition: True, False or Unknown.
    pub ready: String,
    /// Whether it carries a control plane's label.
    pub control_plane: bool,
}

/// Asks; none when there is no such Node.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<Option<Node>> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    let node = patiently(deadline, |limit| kubectl.get("node", &args.node_name, "default", limit))?;
    Ok(node.as_ref().map(read))
}

fn read(node: &Value) -> Node {
    let text = |path: &str| node.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ready = kubeadm::conditions::ready(node);
    let labels = node["metadata"]["labels"].as_object();
    let plane = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
    Node {
        machine_id: text("/status/nodeInfo/machineID"),
        system_uuid: text("/status/nodeInfo/systemUUID"),
        ready: ready.and_then(|condition| condition["status"].as_str()).unwrap_or("Unknown").to_owned(),
        control_plane: labels.is_some_and(|labels| plane.iter().any(|label| labels.contains_key(*label))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_a_real_cluster_is_read() {
        let node = read(&serde_json::from_str(include_str!("../tests/data/node-w1.json")).unwrap());
        assert_eq!(node.machine_id, "a31fd7e07c504f73bb14b10bb339fc84");
        assert_eq!((node.ready.as_str(), node.control_plane), ("True", false));
    }

    #[test]
    fn an_empty_object_is_nobody() {
        let node = read(&Value::Null);
        assert_eq!((node.machine_id.as_str(), node.ready.as_str()), ("", "Unknown"));
    }
}
