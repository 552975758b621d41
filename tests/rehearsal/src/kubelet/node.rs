//! The Node object: registration, status, lease.

use super::flags::Settings;
use crate::cri::Cri;
use crate::net::api::Api;
use crate::yaml::{items, text};
use crate::{clock, faults, klog, place, run, version};
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use std::sync::OnceLock;

fn memory() -> String {
    let table = place::read("/proc/meminfo").unwrap_or_default();
    let line = table.lines().find(|line| line.starts_with("MemTotal:")).unwrap_or_default();
    format!("{}Ki", line.split_whitespace().nth(1).unwrap_or("0"))
}

/// The address the Node reports: the given one, else the default route's as it was when first asked for.
pub fn address(settings: &Settings) -> String {
    static ADDRESS: OnceLock<String> = OnceLock::new();
    if !settings.address.is_empty() {
        return settings.address.clone();
    }
    ADDRESS.get_or_init(outward).clone()
}

fn outward() -> String {
    let asked = |args: &[&str]| run::run("ip", args, None).map(|ran| ran.out).unwrap_or_default();
    let word =
        |text: &str, key: &str| text.split_whitespace().skip_while(|word| *word != key).nth(1).map(str::to_owned);
    word(&asked(&["-4", "route", "get", "8.8.8.8"]), "src")
        .or_else(|| word(&asked(&["-4", "-o", "addr", "show", "scope", "global"]), "inet"))
        .and_then(|cidr| cidr.split('/').next().map(str::to_owned))
        .unwrap_or_else(|| "127.0.0.1".into())
}

const NETWORK: &str = "container runtime network not ready: NetworkReady=false reason:";

/// What the kubelet knows of the runtime: None when all is well, else the Ready condition's message.
pub fn trouble(cri: &Result<Cri>) -> Option<String> {
    let status = match cri {
        Err(_) => {
            return Some(
                "[container runtime is down, container runtime status check may not have completed yet]".into(),
            );
        }
        Ok(cri) => cri.status(false),
    };
    let Ok(status) = status else { return Some("container runtime is down".into()) };
    let bad = |kind: &str| {
        let conditions = &status.status.as_ref()?.conditions;
        conditions
            .iter()
            .find(|condition| condition.r#type == kind && !condition.status)
            .map(|condition| (condition.reason.clone(), condition.message.clone()))
    };
    if let Some((reason, message)) = bad("RuntimeReady") {
        return Some(format!("container runtime not ready: RuntimeReady=false reason:{reason} message:{message}"));
    }
    if faults::switched("network-plugin-down") {
        return Some(format!(
            "{NETWORK}NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"
        ));
    }
    bad("NetworkReady").map(|(reason, message)| format!("{NETWORK}{reason} message:{message}"))
}

fn condition(old: &Value, kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let before = items(old, "/status/conditions").iter().find(|condition| condition["type"] == kind);
    let since = before
        .filter(|condition| condition["status"] == status)
        .map_or_else(clock::now, |condition| text(condition, "/lastTransitionTime").to_owned());
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": clock::now(), "lastTransitionTime": since})
}

/// The status to report now.
fn status(settings: &Settings, old: &Value, cri: &Result<Cri>) -> Value {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from).to_string();
    let trouble = trouble(cri);
    let read = |path: &str| place::read(path).unwrap_or_default().trim().to_owned();
    let release = read("/etc/os-release");
    let pretty = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .unwrap_or("linux")
        .trim_matches('"')
        .to_owned();
    let machine = read("/etc/machine-id");
    let system =
        Some(read("/sys/class/dmi/id/product_uuid")).filter(|uuid| !uuid.is_empty()).unwrap_or_else(|| machine.clone());
    let runtime = cri.as_ref().ok().and_then(|cri| cri.version().ok()).map_or_else(
        || "containerd://Unknown".into(),
        |version| format!("{}://{}", version.runtime_name, version.runtime_version),
    );
    let images: Vec<Value> = cri
        .as_ref()
        .ok()
        .and_then(|cri| cri.images().ok())
        .unwrap_or_default()
        .iter()
        .map(|image| json!({"names": image.repo_tags, "sizeBytes": image.size}))
        .collect();
    let disk = rustix::fs::statvfs("/var/lib/kubelet").map_or(0, |fs| fs.f_blocks * fs.f_frsize / 1024);
    let own = version::claimed().to_string();
    let capacity = json!({"cpu": cpus, "ephemeral-storage": format!("{disk}Ki"), "hugepages-1Gi": "0", "hugepages-2Mi": "0", "memory": memory(), "pods": "110"});
    let ready = match &trouble {
        None => condition(old, "Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        Some(message) => condition(old, "Ready", "False", "KubeletNotReady", message),
    };
    json!({"addresses": [{"address": address(settings), "type": "InternalIP"}, {"address": settings.node, "type": "Hostname"}],
        "allocatable": capacity, "capacity": capacity,
        "conditions": [condition(old, "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition(old, "DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition(old, "PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"), ready],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}}, "images": images,
        "nodeInfo": {"architecture": "amd64", "bootID": read("/proc/sys/kernel/random/boot_id"), "containerRuntimeVersion": runtime,
            "kernelVersion": read("/proc/sys/kernel/osrelease"), "kubeProxyVersion": own, "kubeletVersion": own, "machineID": machine,
            "operatingSystem": "linux", "osImage": pretty, "systemUUID": system}})
}

/// Registers the Node, or takes over the one that is there. Tries until it works.
pub fn register(settings: &Settings, api: &Api, cri: &Result<Cri>) {
    let name = &settings.node;
    loop {
        klog::info("kubelet_node_status.go:71", &format!("\"Attempting to register node\" node={name:?}"));
        match try_register(settings, api, cri) {
            Ok(text) => return klog::info("kubelet_node_status.go:74", &format!("\"{text}\" node={name:?}")),
            Err(error) => klog::error(
                "kubelet_node_status.go:93",
                &format!(
                    "\"Unable to register node with API server\" err={error:?} node={name:?}",
                    error = error.to_string()
                ),
            ),
        }
        clock::pause(std::time::Duration::from_secs(2));
    }
}

fn try_register(settings: &Settings, api: &Api, cri: &Result<Cri>) -> Result<&'static str> {
    if faults::switched("register-refused") {
        return Err(anyhow!(
            "nodes {:?} is forbidden: node {:?} is not allowed to modify node {:?}",
            settings.node,
            "other",
            settings.node
        ));
    }
    let target = format!("/api/v1/nodes/{}", settings.node);
    let labels = json!({"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": settings.node, "kubernetes.io/os": "linux"});
    let mut node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": settings.node, "labels": labels,
            "annotations": {"volumes.kubernetes.io/controller-managed-attach-detach": "true"}},
        "spec": {}, "status": status(settings, &Value::Null, cri)});
    for (label, value) in &settings.labels {
        node["metadata"]["labels"][label] = json!(value);
    }
    if !settings.taints.is_empty() {
        node["spec"]["taints"] = json!(settings.taints);
    }
    match api.create("/api/v1/nodes", &node) {
        Ok(_) => Ok("Successfully registered node"),
        Err(error) if error.is_conflict() => {
            api.patch(&target, &json!({"metadata": {"labels": node["metadata"]["labels"]}}))
                .map_err(|error| anyhow!("{error}"))?;
            Ok("Node was previously registered")
        }
        Err(error) => Err(anyhow!("{error}")),
    }
}

/// Reports the Node's status; returns its pod CIDR. A Node that was deleted is not made again: that takes a restart.
pub fn report(settings: &Settings, api: &Api, cri: &Result<Cri>) -> Result<String> {
    let target = format!("/api/v1/nodes/{}", settings.node);
    let old = api.get(&target).map_err(|error| anyhow!("error getting node {:?}: {error}", settings.node))?;
    let patch = json!({"status": status(settings, &old, cri)});
    let merged = "application/merge-patch+json";
    api.call("PATCH", &format!("{target}/status"), merged, Some(&patch)).map_err(|error| anyhow!("{error}"))?;
    Ok(text(&old, "/spec/podCIDR").to_owned())
}

/// Renews the lease, 40 s long.
pub fn renew(settings: &Settings, api: &Api) -> Result<()> {
    let collection = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    let uid = api
        .get(&format!("/api/v1/nodes/{}", settings.node))
        .map(|node| node["metadata"]["uid"].clone())
        .map_err(|error| anyhow!("{error}"))?;
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": settings.node, "namespace": "kube-node-lease", "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": settings.node, "uid": uid}]},
        "spec": {"holderIdentity": settings.node, "leaseDurationSeconds": 40, "renewTime": clock::now_micro()}});
    api.apply(collection, &lease).map(drop).map_err(|error| anyhow!("{error}"))
}
