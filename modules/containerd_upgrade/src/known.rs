//! What Kubernetes has in this containerd, before and after: every sandbox, container and image, and the network.

use anyhow::Context as _;
use cri::{Client, Containerd};
use host::deadline::Deadline;
use serde::{Deserialize, Serialize};

/// The namespace of CRI.
const NAMESPACE: &str = "k8s.io";

/// What is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// As containerd spells its version: `1.6.20~ds1`.
    pub version: String,
    /// Sandboxes that run: id, and the pod as `namespace/name`.
    pub pods: Vec<(String, String)>,
    /// Sandboxes that have ended, by id.
    pub ended: Vec<String>,
    /// Containers: id, name, and whether it runs.
    pub containers: Vec<(String, String, bool)>,
    /// Images, by id.
    pub images: Vec<String>,
    /// The network in force: the text of its configuration. None when there is none yet.
    pub network: Option<String>,
    /// Whether runc leaves cgroups to systemd.
    pub systemd_cgroup: bool,
    /// Pods whose sandbox has no process in its cgroup: see [`look`].
    pub leaking: Vec<String>,
}

/// Asks over CRI, and containerd itself for the processes of each sandbox.
///
/// containerd 1.7 and later take a shim whose container has no process in its cgroup for a leaked one, and end it and the
/// pod when they start (`core/runtime/v2/shim_load.go`; seen with 2.1.9 on pods of 1.6.20 whose pause process another
/// program had moved out of its cgroup).
pub fn look(socket: &str, deadline: &Deadline) -> anyhow::Result<Known> {
    let mut client = Client::connect(socket, deadline)?;
    let status = client.status()?;
    let mut known = Known {
        version: client.version().runtime_version.clone(),
        network: status.network().filter(|_| status.holds(cri::NETWORK_READY)).map(|network| network.source),
        systemd_cgroup: status.systemd_cgroup().unwrap_or(false),
        ..Known::default()
    };
    for sandbox in client.list_pod_sandbox()? {
        if sandbox.ready {
            known.pods.push((sandbox.id, format!("{}/{}", sandbox.namespace, sandbox.name)));
        } else {
            known.ended.push(sandbox.id);
        }
    }
    known.containers = client.list_containers()?.into_iter().map(|one| (one.id, one.name, one.running)).collect();
    known.containers.sort();
    known.images = client.list_images()?.into_iter().map(|image| image.id).collect();
    known.images.sort();
    let mut containerd = Containerd::connect(socket, deadline)?;
    for (id, pod) in &known.pods {
        let pids = containerd.pids(NAMESPACE, id);
        if pids.with_context(|| format!("asking for the processes of pod {pod}")).is_ok_and(|pids| pids.is_empty()) {
            known.leaking.push(pod.clone());
        }
    }
    Ok(known)
}

/// Who else has something in it: `moby (containers)`.
pub fn others(socket: &str, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut containerd = Containerd::connect(socket, deadline)?;
    let mut others = Vec::new();
    for namespace in containerd.namespaces()?.into_iter().filter(|name| name != NAMESPACE) {
        if let Some(what) = containerd.holds(&namespace)? {
            others.push(format!("{namespace} ({what})"));
        }
    }
    Ok(others)
}

/// What is used that a later release has not, in containerd's own words.
pub fn deprecations(socket: &str, deadline: &Deadline) -> Vec<String> {
    Containerd::connect(socket, deadline).and_then(|mut containerd| containerd.deprecations()).unwrap_or_default()
}
