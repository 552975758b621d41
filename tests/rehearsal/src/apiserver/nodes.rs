//! The node controller: pod CIDRs, Ready -> Unknown when leases stop, and the taints that follow from it.

use super::store::{Store, key};
use crate::yaml::{items, text};
use crate::{clock, faults};
use anyhow::Result;
use serde_json::{Value, json};

/// Pod and service subnet of the cluster, as kubeadm-config has them.
pub fn networking(store: &Store) -> (String, String) {
    let config = store
        .get(&key("configmaps", "kube-system", "kubeadm-config"))
        .and_then(|map| crate::yaml::parse(text(map, "/data/ClusterConfiguration")).ok())
        .unwrap_or_default();
    let service = match text(&config, "/networking/serviceSubnet") {
        "" => "10.96.0.0/12",
        subnet => subnet,
    };
    (text(&config, "/networking/podSubnet").to_owned(), service.to_owned())
}

/// The status of a condition, empty when it is not there.
pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    items(object, "/status/conditions")
        .iter()
        .find(|condition| text(condition, "/type") == kind)
        .map_or("", |condition| text(condition, "/status"))
}

/// Seconds without a lease renewal after which a node counts as gone (`node-grace`, default 40).
fn grace() -> f64 {
    faults::parameter("node-grace").and_then(|text| text.parse().ok()).unwrap_or(40.0)
}

fn lease_age(store: &Store, name: &str, node: &Value) -> f64 {
    let renewed = store
        .get(&key("coordination.k8s.io/leases", "kube-node-lease", name))
        .map_or("", |lease| text(lease, "/spec/renewTime"));
    let seen = if renewed.is_empty() { text(node, "/metadata/creationTimestamp") } else { renewed };
    clock::seconds_since(seen).unwrap_or(0.0)
}

fn next_cidr(pods: &str, used: &[String]) -> Option<String> {
    let (_, bits) = pods.split_once('/')?;
    let count = 1u32.checked_shl(24u32.saturating_sub(bits.parse().ok()?))?;
    (0..count)
        .filter_map(|n| super::services::address(pods, n * 256))
        .map(|ip| format!("{ip}/24"))
        .find(|cidr| !used.contains(cidr))
}

fn taint(node: &mut Value, name: &str, effect: &str, wanted: bool) {
    let mut taints = items(node, "/spec/taints").to_vec();
    let at = taints.iter().position(|taint| text(taint, "/key") == name && text(taint, "/effect") == effect);
    match (at, wanted) {
        (None, true) => taints.push(json!({"effect": effect, "key": name, "timeAdded": clock::now()})),
        (Some(at), false) => drop(taints.remove(at)),
        _ => return,
    }
    if taints.is_empty() {
        if let Some(spec) = node["spec"].as_object_mut() {
            spec.shift_remove("taints");
        }
    } else {
        node["spec"]["taints"] = json!(taints);
    }
}

fn lost(node: &mut Value) {
    let now = clock::now();
    for condition in node["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["status"] != "Unknown" {
            condition["status"] = json!("Unknown");
            condition["reason"] = json!("NodeStatusUnknown");
            condition["message"] = json!("Kubelet stopped posting node status.");
            condition["lastTransitionTime"] = json!(now);
        }
    }
}

/// One round over all nodes.
pub fn round(store: &mut Store) -> Result<()> {
    let (pods, _) = networking(store);
    let nodes: Vec<Value> = store.list("nodes", None).cloned().collect();
    let mut used: Vec<String> = nodes.iter().map(|node| text(node, "/spec/podCIDR").to_owned()).collect();
    for mut node in nodes {
        let name = text(&node, "/metadata/name").to_owned();
        if text(&node, "/spec/podCIDR").is_empty()
            && !pods.is_empty()
            && !faults::switched("no-pod-cidr")
            && let Some(cidr) = next_cidr(&pods, &used)
        {
            used.push(cidr.clone());
            node["spec"]["podCIDR"] = json!(cidr);
            node["spec"]["podCIDRs"] = json!([cidr]);
        }
        if lease_age(store, &name, &node) > grace() {
            lost(&mut node);
        }
        if node["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"].is_null() {
            node["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] = json!("0");
        }
        let ready = condition(&node, "Ready").to_owned();
        for effect in ["NoSchedule", "NoExecute"] {
            taint(&mut node, "node.kubernetes.io/unreachable", effect, ready == "Unknown");
            taint(&mut node, "node.kubernetes.io/not-ready", effect, ready == "False" || ready.is_empty());
        }
        let cordoned = node["spec"]["unschedulable"] == true;
        taint(&mut node, "node.kubernetes.io/unschedulable", "NoSchedule", cordoned);
        store.put(key("nodes", "", &name), node)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_node_gets_the_next_free_subnet() {
        assert_eq!(super::next_cidr("10.244.0.0/16", &["10.244.0.0/24".into()]), Some("10.244.1.0/24".into()));
        assert_eq!(super::next_cidr("10.244.0.0/24", &["10.244.0.0/24".into()]), None);
    }
}
