//! What the runtime said, as plain values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// Who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// `containerd`.
    pub runtime_name: String,
    /// As the runtime spells it: `1.6.20~ds1` from Debian, `v2.1.4` from upstream.
    pub runtime_version: String,
    /// `v1` or `v1alpha2`: the CRI this client speaks with it.
    pub api: &'static str,
}

/// One line of the runtime's own opinion of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `RuntimeReady`, `NetworkReady`.
    pub kind: String,
    /// Whether it holds.
    pub ok: bool,
    /// One word: `NetworkPluginNotReady`.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// Status with `verbose`. `info` is runtime-specific; the keys read here are containerd's
/// (internal/cri/server/status.go), and absent from others.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// RuntimeReady and NetworkReady, in the runtime's order.
    pub conditions: Vec<Condition>,
    /// Each value parsed as JSON, or kept as a string when it is none.
    pub info: BTreeMap<String, Value>,
}

/// The network containerd gives new pods: the conf file it loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The conf's `name`: `cni0`, `cbr0`.
    pub name: String,
    /// The plugin types in order: `flannel`, `portmap`.
    pub plugins: Vec<String>,
    /// The conf file's text, without its path: containerd does not tell that.
    pub source: String,
}

/// The filesystem that holds images, as ImageFsInfo names it. CRI has no capacity: statvfs the mountpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFilesystem {
    /// A directory on it, usually the snapshotter's, not a mount point.
    pub mountpoint: String,
    /// Bytes used by images.
    pub used_bytes: u64,
    /// Inodes used by images.
    pub inodes_used: u64,
}

/// A pod sandbox in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// 64 hex digits with containerd.
    pub id: String,
    /// The pod's name.
    pub name: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's uid.
    pub uid: String,
    /// SANDBOX_READY: its pause container runs.
    pub ready: bool,
}

/// One pod sandbox, looked at closely.
#[derive(Debug, Clone, PartialEq)]
pub struct SandboxStatus {
    /// What the list says too.
    pub sandbox: Sandbox,
    /// The pod's addresses; empty when it uses the machine's network or is stopped.
    pub ips: Vec<String>,
    /// It uses the machine's network namespace.
    pub host_network: bool,
    /// The pause container's process, when the runtime tells (containerd does) and it runs.
    pub pid: Option<u32>,
    /// The network namespace's path, such as `/var/run/netns/cni-…`, when the runtime tells.
    pub netns: Option<String>,
    /// The runtime's verbose `info`.
    pub info: BTreeMap<String, Value>,
}

/// A container in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// 64 hex digits with containerd.
    pub id: String,
    /// Its pod sandbox.
    pub sandbox_id: String,
    /// Its name in the pod.
    pub name: String,
    /// CONTAINER_RUNNING.
    pub running: bool,
}

/// An image in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `sha256:…`.
    pub id: String,
    /// Names with tag.
    pub tags: Vec<String>,
    /// Bytes.
    pub size: u64,
}

/// What RuntimeConfig says of cgroups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CgroupDriver {
    /// systemd makes the cgroups.
    Systemd,
    /// The runtime makes them itself.
    Cgroupfs,
}

impl Status {
    /// Whether the condition of that type is there and true.
    pub fn holds(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|c| c.ok)
    }

    /// The condition of that type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|c| c.kind == kind)
    }

    /// `OK`, or why containerd has no network: its last attempt to load /etc/cni/net.d.
    pub fn last_cni_load_status(&self) -> Option<&str> {
        self.info.get("lastCNILoadStatus")?.as_str()
    }

    /// The network in force for new pods; none while no conf is loaded.
    pub fn network(&self) -> Option<Network> {
        let networks = self.info.get("cniconfig")?.get("Networks")?.as_array()?;
        let config = networks.iter().find(|n| n["IFName"] != "lo")?.get("Config")?;
        let types = config["Plugins"].as_array().into_iter().flatten().map(|p| text(&p["Network"]["type"]));
        Some(Network { name: text(&config["Name"]), plugins: types.collect(), source: text(&config["Source"]) })
    }

    /// Where containerd looks for CNI plugins.
    pub fn plugin_dirs(&self) -> Vec<String> {
        let dirs = self.info.get("cniconfig").and_then(|c| c["PluginDirs"].as_array());
        dirs.into_iter().flatten().map(text).collect()
    }

    /// Where containerd takes CNI configurations from.
    pub fn cni_conf_dir(&self) -> Option<PathBuf> {
        let dir = self.info.get("config")?.get("cni")?.get("confDir")?.as_str()?;
        (!dir.is_empty()).then(|| dir.into())
    }

    /// SystemdCgroup of the default runtime, as the running containerd has it.
    pub fn systemd_cgroup(&self) -> Option<bool> {
        let containerd = self.info.get("config")?.get("containerd")?;
        let name = containerd["defaultRuntimeName"].as_str().unwrap_or("runc");
        containerd["runtimes"][name]["options"]["SystemdCgroup"].as_bool()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
