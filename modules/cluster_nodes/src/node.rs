//! One Node, as the cluster has it.

use serde::Serialize;
use serde_json::Value;

/// A Node. Its names are those of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Whether it carries a control plane's label.
    pub control_plane: bool,
    /// Its Ready condition is True.
    pub ready: bool,
    /// Why it is not Ready, in the kubelet's or the cluster's words.
    pub reason: Option<String>,
    /// The kubelet's version.
    pub version: String,
    /// Its InternalIP.
    pub address: Option<String>,
    /// /etc/machine-id of the machine.
    pub machine_id: String,
    /// The machine's system UUID.
    pub system_uuid: String,
}

impl Node {
    /// Reads one item of the list.
    pub fn read(item: &Value) -> Self {
        let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let condition = kubeadm::conditions::ready(item);
        let ready = condition.is_some_and(|condition| condition["status"] == "True");
        let labels = item["metadata"]["labels"].as_object();
        let plane = ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"];
        let addresses = item["status"]["addresses"].as_array();
        let internal = addresses.into_iter().flatten().find(|address| address["type"] == "InternalIP");
        Node {
            name: text("/metadata/name"),
            control_plane: labels.is_some_and(|labels| plane.iter().any(|label| labels.contains_key(*label))),
            ready,
            reason: (!ready).then(|| reason(condition)),
            version: text("/status/nodeInfo/kubeletVersion"),
            address: internal.and_then(|address| address["address"].as_str()).map(str::to_owned),
            machine_id: text("/status/nodeInfo/machineID"),
            system_uuid: text("/status/nodeInfo/systemUUID"),
        }
    }
}

/// A Ready that is Unknown is the cluster's word: the kubelet has said nothing for 40 seconds or more.
fn reason(condition: Option<&Value>) -> String {
    let Some(condition) = condition else { return "its kubelet has not said anything yet".into() };
    let message = condition["message"].as_str().unwrap_or_default();
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match condition["status"].as_str() {
        Some("Unknown") => {
            "its kubelet has stopped telling that it lives: the machine is off, cut off, or its kubelet is down".into()
        }
        _ if message.is_empty() => "its kubelet does not say why".into(),
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_of_a_real_cluster_is_read() {
        let node = Node::read(&serde_json::from_str(include_str!("../tests/data/node-w1.json")).unwrap());
        assert_eq!((node.name.as_str(), node.ready, node.control_plane, &node.reason), ("w1", true, false, &None));
        assert_eq!(node.machine_id, "a31fd7e07c504f73bb14b10bb339fc84");
    }

    #[test]
    fn one_that_is_not_ready_says_why() {
        let with = |status: &str, message: &str| {
            Node::read(&json!({"status": {"conditions": [{"type": "Ready", "status": status, "message": message}]}}))
        };
        assert_eq!(with("False", "cni plugin\nnot initialized").reason.as_deref(), Some("cni plugin not initialized"));
        assert!(with("Unknown", "Kubelet stopped posting node status.").reason.unwrap().contains("the machine is off"));
        assert!(Node::read(&Value::Null).reason.unwrap().contains("not said anything yet"));
    }
}
