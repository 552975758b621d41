//! The columns of kubectl's tables.

use crate::clock;
use crate::kinds::Kind;
use crate::yaml::{items, text};
use serde_json::Value;

fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    items(object, "/status/conditions")
        .iter()
        .find(|condition| condition["type"] == kind)
        .map_or("Unknown", |condition| text(condition, "/status"))
}

fn node(object: &Value, wide: bool) -> Vec<String> {
    let mut status = match condition(object, "Ready") {
        "True" => "Ready".to_owned(),
        "False" | "Unknown" => "NotReady".into(),
        other => other.into(),
    };
    if object["spec"]["unschedulable"] == true {
        status += ",SchedulingDisabled";
    }
    let mut roles: Vec<&str> = object["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(label, _)| label.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    roles.sort_unstable();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let info = |field: &str| text(object, &format!("/status/nodeInfo/{field}")).to_owned();
    let mut row = vec![text(object, "/metadata/name").to_owned(), status, roles, age(object), info("kubeletVersion")];
    if wide {
        let address = items(object, "/status/addresses")
            .iter()
            .find(|address| address["type"] == "InternalIP")
            .map_or("<none>", |address| text(address, "/address"));
        row.extend([
            address.to_owned(),
            "<none>".into(),
            info("osImage"),
            info("kernelVersion"),
            info("containerRuntimeVersion"),
        ]);
    }
    row
}

fn pod(object: &Value, wide: bool) -> Vec<String> {
    let statuses = items(object, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let waiting = statuses.iter().find_map(|status| status["state"]["waiting"]["reason"].as_str());
    let phase = if !object["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else {
        waiting.unwrap_or(match text(object, "/status/phase") {
            "Succeeded" => "Completed",
            other => other,
        })
    };
    let restarts: i64 = statuses.iter().filter_map(|status| status["restartCount"].as_i64()).sum();
    let mut row = vec![
        text(object, "/metadata/name").to_owned(),
        format!("{ready}/{}", items(object, "/spec/containers").len()),
        phase.to_owned(),
        restarts.to_string(),
        age(object),
    ];
    if wide {
        let or = |path: &str| Some(text(object, path)).filter(|value| !value.is_empty()).unwrap_or("<none>").to_owned();
        row.extend([or("/status/podIP"), or("/spec/nodeName"), "<none>".into(), "<none>".into()]);
    }
    row
}

fn age(object: &Value) -> String {
    clock::age(text(object, "/metadata/creationTimestamp"))
}

fn count(object: &Value, path: &str) -> String {
    object.pointer(path).and_then(Value::as_i64).unwrap_or(0).to_string()
}

/// Headers of a resource's table.
pub fn headers(kind: &Kind, wide: bool) -> Vec<&'static str> {
    let (base, more): (&[&str], &[&str]) = match kind.kind {
        "Node" => (
            &["NAME", "STATUS", "ROLES", "AGE", "VERSION"],
            &["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"],
        ),
        "Pod" => {
            (&["NAME", "READY", "STATUS", "RESTARTS", "AGE"], &["IP", "NODE", "NOMINATED NODE", "READINESS GATES"])
        }
        "DaemonSet" => {
            (&["NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"], &[])
        }
        "Deployment" => (&["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"], &[]),
        "ConfigMap" => (&["NAME", "DATA", "AGE"], &[]),
        "Secret" => (&["NAME", "TYPE", "DATA", "AGE"], &[]),
        "Service" => (&["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"], &[]),
        "Namespace" => (&["NAME", "STATUS", "AGE"], &[]),
        "Lease" => (&["NAME", "HOLDER", "AGE"], &[]),
        "CertificateSigningRequest" => (&["NAME", "AGE", "SIGNERNAME", "REQUESTOR", "CONDITION"], &[]),
        _ => (&["NAME", "AGE"], &[]),
    };
    base.iter().chain(more.iter().filter(|_| wide)).copied().collect()
}

/// A resource's row.
pub fn row(kind: &Kind, object: &Value, wide: bool) -> Vec<String> {
    let name = text(object, "/metadata/name").to_owned();
    let size = |field: &str| object[field].as_object().map_or(0, serde_json::Map::len).to_string();
    match kind.kind {
        "Node" => node(object, wide),
        "Pod" => pod(object, wide),
        "DaemonSet" => {
            let selector: Vec<String> = object["spec"]["template"]["spec"]["nodeSelector"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(label, value)| format!("{label}={}", value.as_str().unwrap_or_default()))
                .collect();
            let selector = if selector.is_empty() { "<none>".to_owned() } else { selector.join(",") };
            vec![
                name,
                count(object, "/status/desiredNumberScheduled"),
                count(object, "/status/currentNumberScheduled"),
                count(object, "/status/numberReady"),
                count(object, "/status/updatedNumberScheduled"),
                count(object, "/status/numberAvailable"),
                selector,
                age(object),
            ]
        }
        "Deployment" => vec![
            name,
            format!("{}/{}", count(object, "/status/readyReplicas"), object["spec"]["replicas"].as_i64().unwrap_or(1)),
            count(object, "/status/updatedReplicas"),
            count(object, "/status/availableReplicas"),
            age(object),
        ],
        "ConfigMap" => vec![name, size("data"), age(object)],
        "Secret" => vec![name, text(object, "/type").to_owned(), size("data"), age(object)],
        "Service" => {
            let ports: Vec<String> = items(object, "/spec/ports")
                .iter()
                .map(|port| format!("{}/{}", port["port"], port["protocol"].as_str().unwrap_or("TCP")))
                .collect();
            vec![
                name,
                text(object, "/spec/type").to_owned(),
                text(object, "/spec/clusterIP").to_owned(),
                "<none>".into(),
                ports.join(","),
                age(object),
            ]
        }
        "Namespace" => vec![name, text(object, "/status/phase").to_owned(), age(object)],
        "Lease" => vec![name, text(object, "/spec/holderIdentity").to_owned(), age(object)],
        "CertificateSigningRequest" => {
            let mut state = match object["status"]["conditions"][0]["type"].as_str() {
                None => "Pending".to_owned(),
                Some(kind) => kind.to_owned(),
            };
            if !object["status"]["certificate"].is_null() {
                state += ",Issued";
            }
            vec![
                name,
                age(object),
                text(object, "/spec/signerName").to_owned(),
                text(object, "/spec/username").to_owned(),
                state,
            ]
        }
        _ => vec![name, age(object)],
    }
}
