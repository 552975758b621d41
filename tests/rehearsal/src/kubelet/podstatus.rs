//! What the API server is told about pods: their status, and events for what goes wrong.

use super::flags::Settings;
use crate::clock;
use crate::net::api::Api;
use crate::yaml::{items, set, text};
use serde_json::{Value, json};

/// Tells the API server how a pod is doing, when that has changed.
pub fn report(settings: &Settings, api: &Api, pod: &Value, state: &Value, trouble: Option<&str>) {
    let containers = items(state, "/containers");
    let running = !containers.is_empty() && containers.iter().all(|container| container["running"] == true);
    let over = !containers.is_empty()
        && containers.iter().all(|container| container["code"].is_i64() && container["waiting"].is_null());
    let phase = match (
        over,
        running || containers.iter().any(|container| container["running"] == true || !container["waiting"].is_null()),
    ) {
        (true, _) if containers.iter().all(|container| container["code"] == 0) => "Succeeded",
        (true, _) => "Failed",
        (_, true) => "Running",
        _ => "Pending",
    };
    let statuses: Vec<Value> = containers
        .iter()
        .map(|container| {
            let state = match (container["running"] == true, container["waiting"].as_str()) {
                (true, _) => json!({"running": {}}),
                (_, Some(reason)) => json!({"waiting": {"reason": reason}}),
                _ => json!({"terminated": {"exitCode": container["code"]}}),
            };
            json!({"name": container["name"], "image": container["image"], "ready": container["running"], "restartCount": container["restarts"], "state": state,
                "containerID": format!("containerd://{}", text(container, "/id"))})
        })
        .collect();
    let address = super::node::address(settings);
    let ip = if pod["spec"]["hostNetwork"] == true { address.clone() } else { text(state, "/ip").to_owned() };
    let mut status = json!({"phase": phase, "hostIP": address, "podIP": ip, "podIPs": [{"ip": ip}], "containerStatuses": statuses, "qosClass": "BestEffort"});
    if let Some(waiting) = state["waiting"].as_str().or(trouble.map(|_| "ContainerCreating")) {
        let reason = if trouble.is_some_and(|text| text.contains("ErrImagePull")) { "ErrImagePull" } else { waiting };
        status["containerStatuses"] = items(pod, "/spec/containers")
            .iter()
            .map(|container| {
                json!({"name": container["name"], "image": container["image"], "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": reason, "message": trouble.unwrap_or_default()}}})
            })
            .collect();
    }
    if ip.is_empty() {
        status.as_object_mut().map(|map| (map.shift_remove("podIP"), map.shift_remove("podIPs")));
    }
    let flag = |on: bool| if on { "True" } else { "False" };
    let since = |kind: &str, value: &str| {
        items(pod, "/status/conditions")
            .iter()
            .find(|old| old["type"] == kind && old["status"] == value)
            .map_or_else(clock::now, |old| text(old, "/lastTransitionTime").to_owned())
    };
    let conditions: Vec<Value> = [
        ("Initialized", state["waiting"].is_null()),
        ("Ready", running),
        ("ContainersReady", running),
        ("PodScheduled", true),
    ]
    .into_iter()
    .map(|(kind, on)| json!({"type": kind, "status": flag(on), "lastTransitionTime": since(kind, flag(on))}))
    .collect();
    set(&mut status, "/conditions", json!(conditions));
    let started = text(pod, "/status/startTime");
    status["startTime"] = json!(if started.is_empty() { clock::now() } else { started.to_owned() });
    if status == pod["status"] {
        return;
    }
    let target =
        format!("/api/v1/namespaces/{}/pods/{}/status", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    let patch = json!({"status": status});
    // A pod that was deleted meanwhile has no status to tell.
    let _ = api.call("PATCH", &target, "application/merge-patch+json", Some(&patch));
}

/// Notes an event; the same trouble of the same pod is counted up instead of being told again.
pub fn event(settings: &Settings, api: &Api, pod: &Value, trouble: &str) {
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    let (reason, message) = match trouble {
        text if text.starts_with("network is not ready") => ("NetworkNotReady", text),
        text if text.contains("CreatePodSandboxError") => {
            ("FailedCreatePodSandBox", text.split("CreatePodSandboxError: ").nth(1).unwrap_or(text).trim_matches('"'))
        }
        text if text.contains("MountVolume.SetUp") => ("FailedMount", text),
        text => ("Failed", text),
    };
    let collection = format!("/api/v1/namespaces/{namespace}/events");
    let event_name = format!("{name}.{}", reason.to_lowercase());
    let count = api.get(&format!("{collection}/{event_name}")).map_or(0, |old| old["count"].as_i64().unwrap_or(0));
    let event = json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": event_name, "namespace": namespace},
        "involvedObject": {"kind": "Pod", "name": name, "namespace": namespace, "uid": pod["metadata"]["uid"]}, "type": "Warning",
        "reason": reason, "message": message, "count": count + 1, "lastTimestamp": clock::now(), "source": {"component": "kubelet", "host": settings.node}});
    // An event that cannot be kept is no trouble of its own.
    let _ = api.apply(&collection, &event);
}
