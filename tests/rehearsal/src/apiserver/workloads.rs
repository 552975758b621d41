//! Controllers that make pods: DaemonSet, Deployment through ReplicaSet, StatefulSet, Job; and what they report.

use super::nodes::condition;
use super::schedule;
use super::store::{Store, key};
use crate::yaml::{items, text};
use crate::{clock, pki};
use anyhow::Result;
use serde_json::{Value, json};

/// A short hash of a template, as `pod-template-hash` carries it.
pub fn hash(template: &Value) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, crate::yaml::sorted(template).to_string().as_bytes());
    let letters = b"bcdfghjklmnpqrstvwxz2456789";
    digest.as_ref().iter().take(10).map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect()
}

/// The pods an object owns.
fn owned(store: &Store, owner: &Value) -> Vec<Value> {
    let uid = &owner["metadata"]["uid"];
    store
        .list("pods", Some(text(owner, "/metadata/namespace")))
        .filter(|pod| items(pod, "/metadata/ownerReferences").iter().any(|reference| &reference["uid"] == uid))
        .cloned()
        .collect()
}

fn reference(owner: &Value) -> Value {
    json!([{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true}])
}

fn pod_from(owner: &Value, name: String, labels: &[(&str, &str)]) -> Value {
    let template = &owner["spec"]["template"];
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": name, "namespace": owner["metadata"]["namespace"], "uid": pki::uuid(), "creationTimestamp": clock::now(),
            "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"], "ownerReferences": reference(owner)},
        "spec": template["spec"], "status": {"phase": "Pending"}});
    for (label, value) in labels {
        pod["metadata"]["labels"][*label] = json!(value);
    }
    if pod["metadata"]["annotations"].is_null() {
        pod["metadata"].as_object_mut().map(|map| map.shift_remove("annotations"));
    }
    pod
}

fn put_pod(store: &mut Store, pod: Value) -> Result<()> {
    let at = key("pods", text(&pod, "/metadata/namespace"), text(&pod, "/metadata/name"));
    store.put(at, pod).map(drop)
}

/// Asks a pod's kubelet to end it (at once when it has no node yet).
pub fn end(store: &mut Store, pod: &Value) -> Result<()> {
    let at = key("pods", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    if text(pod, "/spec/nodeName").is_empty() {
        return store.remove(&at).map(drop);
    }
    if pod["metadata"]["deletionTimestamp"].is_null() {
        let mut pod = pod.clone();
        pod["metadata"]["deletionTimestamp"] = json!(clock::now());
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        store.put(at, pod)?;
    }
    Ok(())
}

fn ready(pods: &[Value]) -> usize {
    pods.iter()
        .filter(|pod| condition(pod, "Ready") == "True" && pod["metadata"]["deletionTimestamp"].is_null())
        .count()
}

fn suffix() -> String {
    pki::random(5, b"bcdfghjklmnpqrstvwxz2456789")
}

/// One round over all DaemonSets: one pod on each node that it may run on, one at a time when the template changed.
pub fn daemonsets(store: &mut Store) -> Result<()> {
    let nodes: Vec<Value> = store.list("nodes", None).cloned().collect();
    for set in store.list("apps/daemonsets", None).cloned().collect::<Vec<_>>() {
        let revision = hash(&set["spec"]["template"]);
        let mut pods = owned(store, &set);
        let template = json!({"spec": set["spec"]["template"]["spec"]});
        let wanted: Vec<_> = nodes.iter().filter(|node| schedule::daemon_fits(&template, node)).collect();
        for node in &wanted {
            let name = text(node, "/metadata/name");
            if pods.iter().any(|pod| text(pod, "/spec/nodeName") == name) {
                continue;
            }
            let mut pod = pod_from(
                &set,
                format!("{}-{}", text(&set, "/metadata/name"), suffix()),
                &[("controller-revision-hash", &revision), ("pod-template-generation", "1")],
            );
            pod["spec"]["nodeName"] = json!(name);
            pods.push(pod.clone());
            put_pod(store, pod)?;
        }
        let current = |pod: &&Value| text(pod, "/metadata/labels/controller-revision-hash") == revision;
        let stray =
            |pod: &&Value| !wanted.iter().any(|node| text(node, "/metadata/name") == text(pod, "/spec/nodeName"));
        for pod in pods.iter().filter(stray) {
            end(store, pod)?;
        }
        if pods.iter().filter(current).count() == ready(&pods.iter().filter(current).cloned().collect::<Vec<_>>())
            && text(&set, "/spec/updateStrategy/type") != "OnDelete"
            && let Some(old) = pods.iter().find(|pod| !current(pod))
        {
            end(store, old)?;
        }
        let mut set = set;
        let fresh: Vec<_> = pods.iter().filter(current).cloned().collect();
        set["status"] = json!({"currentNumberScheduled": pods.len(), "desiredNumberScheduled": wanted.len(), "numberMisscheduled": 0,
            "numberReady": ready(&pods), "numberAvailable": ready(&pods), "updatedNumberScheduled": fresh.len(),
            "observedGeneration": set["metadata"]["generation"]});
        let at = key("apps/daemonsets", text(&set, "/metadata/namespace"), text(&set, "/metadata/name"));
        store.put(at, set)?;
    }
    Ok(())
}

/// One round over all Deployments: the current template's ReplicaSet is scaled up, the others down.
pub fn deployments(store: &mut Store) -> Result<()> {
    for mut deployment in store.list("apps/deployments", None).cloned().collect::<Vec<_>>() {
        let (namespace, name) =
            (text(&deployment, "/metadata/namespace").to_owned(), text(&deployment, "/metadata/name").to_owned());
        let revision = hash(&deployment["spec"]["template"]);
        let replicas = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        let at = key("apps/replicasets", &namespace, &format!("{name}-{revision}"));
        if store.get(&at).is_none() {
            let mut template = deployment["spec"]["template"].clone();
            template["metadata"]["labels"]["pod-template-hash"] = json!(revision);
            let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": at.2, "namespace": namespace,
                    "uid": pki::uuid(), "creationTimestamp": clock::now(), "labels": template["metadata"]["labels"], "ownerReferences": reference(&deployment)},
                "spec": {"replicas": replicas, "selector": deployment["spec"]["selector"], "template": template}});
            store.put(at.clone(), set)?;
        }
        let uid = deployment["metadata"]["uid"].clone();
        let sets: Vec<Value> = store
            .list("apps/replicasets", Some(&namespace))
            .filter(|set| items(set, "/metadata/ownerReferences").iter().any(|owner| owner["uid"] == uid))
            .cloned()
            .collect();
        let mut current = json!({});
        let fresh_ready = sets
            .iter()
            .find(|set| text(set, "/metadata/name") == at.2)
            .and_then(|set| set["status"]["readyReplicas"].as_i64())
            .unwrap_or(0);
        let mut total = 0;
        for mut set in sets {
            let own = text(&set, "/metadata/name") == at.2;
            total += set["status"]["replicas"].as_i64().unwrap_or(0);
            let scale = if own {
                replicas
            } else if fresh_ready >= replicas {
                0
            } else {
                set["spec"]["replicas"].as_i64().unwrap_or(0)
            };
            if own {
                current = set["status"].clone();
            }
            set["spec"]["replicas"] = json!(scale);
            let at = key("apps/replicasets", &namespace, text(&set, "/metadata/name"));
            store.put(at, set)?;
        }
        let available = current["readyReplicas"].as_i64().unwrap_or(0);
        let since = items(&deployment, "/status/conditions")
            .first()
            .map_or_else(clock::now, |old| text(old, "/lastTransitionTime").to_owned());
        deployment["status"] = json!({"replicas": total, "updatedReplicas": current["replicas"], "readyReplicas": available, "availableReplicas": available,
            "unavailableReplicas": (replicas - available).max(0), "observedGeneration": deployment["metadata"]["generation"],
            "conditions": [{"type": "Available", "status": if available >= replicas { "True" } else { "False" }, "lastTransitionTime": since}]});
        store.put(key("apps/deployments", &namespace, &name), deployment)?;
    }
    Ok(())
}

/// One round over ReplicaSets, StatefulSets and Jobs: as many pods as they ask for.
pub fn replicas(store: &mut Store) -> Result<()> {
    for (resource, kind) in [("apps/replicasets", "rs"), ("apps/statefulsets", "sts"), ("batch/jobs", "job")] {
        for mut set in store.list(resource, None).cloned().collect::<Vec<_>>() {
            let name = text(&set, "/metadata/name").to_owned();
            let wanted = set["spec"]["replicas"].as_u64().unwrap_or(1) as usize;
            let mut pods: Vec<_> =
                owned(store, &set).into_iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).collect();
            for ordinal in 0..wanted {
                let named = format!("{name}-{ordinal}");
                if pods.len() >= wanted || kind == "sts" && pods.iter().any(|pod| text(pod, "/metadata/name") == named)
                {
                    continue;
                }
                let pod = pod_from(&set, if kind == "sts" { named } else { format!("{name}-{}", suffix()) }, &[]);
                pods.push(pod.clone());
                put_pod(store, pod)?;
            }
            while pods.len() > wanted {
                if let Some(pod) = pods.pop() {
                    end(store, &pod)?;
                }
            }
            let done = pods.iter().filter(|pod| text(pod, "/status/phase") == "Succeeded").count();
            set["status"] = if kind == "job" {
                json!({"active": pods.len() - done, "succeeded": done, "conditions": if done == wanted { json!([{"type": "Complete", "status": "True"}]) } else { json!([]) }})
            } else {
                json!({"replicas": pods.len(), "readyReplicas": ready(&pods), "availableReplicas": ready(&pods), "updatedReplicas": pods.len(), "observedGeneration": set["metadata"]["generation"]})
            };
            store.put(key(resource, text(&set, "/metadata/namespace"), &name), set.clone())?;
        }
    }
    Ok(())
}
