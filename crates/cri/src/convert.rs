//! From the messages on the wire to the values in [`super::answers`]: what is missing becomes empty, never an error.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answers::{Condition, Container, Image, ImageFilesystem, Sandbox, SandboxStatus, Status};
use super::messages;

/// containerd's info values are JSON documents inside strings.
fn info(raw: std::collections::HashMap<String, String>) -> BTreeMap<String, Value> {
    raw.into_iter().map(|(key, value)| (key, serde_json::from_str(&value).unwrap_or(Value::String(value)))).collect()
}

impl From<messages::StatusResponse> for Status {
    fn from(answer: messages::StatusResponse) -> Self {
        let conditions = answer.status.map(|s| s.conditions).unwrap_or_default().into_iter();
        let condition = |c: messages::RuntimeCondition| Condition {
            kind: c.r#type,
            ok: c.status,
            reason: c.reason,
            message: c.message,
        };
        Status { conditions: conditions.map(condition).collect(), info: info(answer.info) }
    }
}

impl From<messages::FilesystemUsage> for ImageFilesystem {
    fn from(usage: messages::FilesystemUsage) -> Self {
        ImageFilesystem {
            mountpoint: usage.fs_id.map(|id| id.mountpoint).unwrap_or_default(),
            used_bytes: usage.used_bytes.map(|v| v.value).unwrap_or_default(),
            inodes_used: usage.inodes_used.map(|v| v.value).unwrap_or_default(),
        }
    }
}

fn sandbox(id: String, metadata: Option<messages::PodSandboxMetadata>, state: i32) -> Sandbox {
    let metadata = metadata.unwrap_or_default();
    Sandbox { id, name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, ready: state == 0 }
}

impl From<messages::PodSandbox> for Sandbox {
    fn from(item: messages::PodSandbox) -> Self {
        sandbox(item.id, item.metadata, item.state)
    }
}

impl From<messages::PodSandboxStatusResponse> for SandboxStatus {
    fn from(answer: messages::PodSandboxStatusResponse) -> Self {
        let status = answer.status.unwrap_or_default();
        let network = status.network.unwrap_or_default();
        let ips = std::iter::once(network.ip).chain(network.additional_ips.into_iter().map(|p| p.ip));
        let options = status.linux.and_then(|l| l.namespaces).and_then(|n| n.options).unwrap_or_default();
        let info = info(answer.info);
        let inner = info.get("info");
        let namespaces = inner.and_then(|i| i["runtimeSpec"]["linux"]["namespaces"].as_array());
        let netns = namespaces.into_iter().flatten().find(|n| n["type"] == "network").and_then(|n| n["path"].as_str());
        SandboxStatus {
            ips: ips.filter(|ip| !ip.is_empty()).collect(),
            host_network: options.network == 2,
            pid: inner.and_then(|i| i["pid"].as_u64()).and_then(|p| u32::try_from(p).ok()).filter(|p| *p != 0),
            netns: netns.map(str::to_owned),
            sandbox: sandbox(status.id, status.metadata, status.state),
            info,
        }
    }
}

impl From<messages::Container> for Container {
    fn from(item: messages::Container) -> Self {
        let name = item.metadata.map(|m| m.name).unwrap_or_default();
        Container { id: item.id, sandbox_id: item.pod_sandbox_id, name, running: item.state == 1 }
    }
}

impl From<messages::Image> for Image {
    fn from(item: messages::Image) -> Self {
        Image { id: item.id, tags: item.repo_tags, size: item.size }
    }
}
