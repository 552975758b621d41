//! Where pods go: the scheduler, and the collector of what lost its owner or its node.

use super::nodes::condition;
use super::store::{Store, key};
use super::workloads;
use crate::clock;
use crate::yaml::{items, set, text};
use anyhow::Result;
use serde_json::{Value, json};

fn selected(pod: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let plain =
        pod["spec"]["nodeSelector"].as_object().into_iter().flatten().all(|(label, value)| &labels[label] == value);
    let terms =
        items(pod, "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms");
    let fits = |expression: &Value| {
        let own = text(labels, &format!("/{}", text(expression, "/key").replace('/', "~1")));
        let values = items(expression, "/values");
        match text(expression, "/operator") {
            "In" => values.iter().any(|value| value == own),
            "NotIn" => !values.iter().any(|value| value == own),
            "Exists" => !labels[text(expression, "/key")].is_null(),
            _ => labels[text(expression, "/key")].is_null(),
        }
    };
    plain && (terms.is_empty() || terms.iter().any(|term| items(term, "/matchExpressions").iter().all(fits)))
}

fn tolerates(pod: &Value, taint: &Value) -> bool {
    items(pod, "/spec/tolerations").iter().any(|toleration| {
        let (name, effect) = (text(toleration, "/key"), text(toleration, "/effect"));
        (effect.is_empty() || effect == text(taint, "/effect"))
            && (name.is_empty() || name == text(taint, "/key"))
            && (text(toleration, "/operator") == "Exists" || text(toleration, "/value") == text(taint, "/value"))
    })
}

/// The taints that keep a pod off a node.
fn repelled<'a>(pod: &'a Value, node: &'a Value) -> impl Iterator<Item = &'a Value> {
    items(node, "/spec/taints")
        .iter()
        .filter(|taint| text(taint, "/effect") != "PreferNoSchedule" && !tolerates(pod, taint))
}

/// Whether a DaemonSet's pod belongs on a node; it tolerates what the node controller taints with.
pub fn daemon_fits(template: &Value, node: &Value) -> bool {
    selected(template, node)
        && !repelled(template, node).any(|taint| !text(taint, "/key").starts_with("node.kubernetes.io/"))
}

/// Gives every pod without a node one, or says why none fits.
pub fn round(store: &mut Store) -> Result<()> {
    let nodes: Vec<Value> = store.list("nodes", None).cloned().collect();
    let mut load: Vec<usize> = nodes
        .iter()
        .map(|node| store.list("pods", None).filter(|pod| pod["spec"]["nodeName"] == node["metadata"]["name"]).count())
        .collect();
    let pending: Vec<Value> =
        store.list("pods", None).filter(|pod| text(pod, "/spec/nodeName").is_empty()).cloned().collect();
    for mut pod in pending {
        let fits = |node: &Value| {
            selected(&pod, node) && repelled(&pod, node).next().is_none() && condition(node, "Ready") == "True"
        };
        let best = (0..nodes.len()).filter(|index| fits(&nodes[*index])).min_by_key(|index| load[*index]);
        match best {
            Some(index) => {
                load[index] += 1;
                pod["spec"]["nodeName"] = nodes[index]["metadata"]["name"].clone();
                set(
                    &mut pod,
                    "/status/conditions",
                    json!([{"type": "PodScheduled", "status": "True", "lastTransitionTime": clock::now()}]),
                );
            }
            None => {
                if condition(&pod, "PodScheduled") == "False" {
                    continue;
                }
                let message = format!("0/{} nodes are available: {}.", nodes.len(), reasons(&pod, &nodes));
                set(
                    &mut pod,
                    "/status/conditions",
                    json!([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastTransitionTime": clock::now()}]),
                );
            }
        }
        let at = key("pods", text(&pod, "/metadata/namespace"), text(&pod, "/metadata/name"));
        store.put(at, pod)?;
    }
    Ok(())
}

fn reasons(pod: &Value, nodes: &[Value]) -> String {
    let mut told: Vec<(String, usize)> = Vec::new();
    for node in nodes {
        let text = match repelled(pod, node).next() {
            Some(taint) => {
                format!("node(s) had untolerated taint {{{}: {}}}", text(taint, "/key"), text(taint, "/value"))
            }
            None => "node(s) didn't match Pod's node affinity/selector".to_owned(),
        };
        match told.iter_mut().find(|(known, _)| *known == text) {
            Some((_, count)) => *count += 1,
            None => told.push((text, 1)),
        }
    }
    told.iter().map(|(text, count)| format!("{count} {text}")).collect::<Vec<_>>().join(", ")
}

/// Removes what has lost its owner, and pods whose node is gone.
pub fn collect(store: &mut Store) -> Result<()> {
    let uids: Vec<Value> =
        store.keys().iter().filter_map(|at| store.get(at)).map(|object| object["metadata"]["uid"].clone()).collect();
    let nodes: Vec<String> = store.list("nodes", None).map(|node| text(node, "/metadata/name").to_owned()).collect();
    for at in store.keys() {
        let Some(object) = store.get(&at).cloned() else { continue };
        let owners = items(&object, "/metadata/ownerReferences");
        let orphan = !owners.is_empty() && !owners.iter().any(|owner| uids.contains(&owner["uid"]));
        let node = text(&object, "/spec/nodeName");
        if at.0 == "pods" {
            if !node.is_empty() && !nodes.iter().any(|name| name == node) {
                store.remove(&at)?;
            } else if orphan
                && items(&object, "/metadata/ownerReferences").iter().all(|owner| text(owner, "/kind") != "Node")
            {
                workloads::end(store, &object)?;
            }
        } else {
            let set = orphan && at.0 == "apps/replicasets";
            let lease = at.0 == "coordination.k8s.io/leases" && at.1 == "kube-node-lease" && !nodes.contains(&at.2);
            if set || lease {
                store.remove(&at)?;
            }
        }
    }
    Ok(())
}
