//! The container runtime, asked over its socket.

use cri::{self, CgroupDriver};
use host::cni;
use host::cni::plugins::{self, Broken};
use host::deadline::Deadline;
use std::path::PathBuf;
use std::time::Duration;

/// A runtime that is well answers at once.
const LIMIT: Duration = Duration::from_secs(5);

/// A runtime that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// `containerd`.
    pub name: String,
    /// As it spells it.
    pub version: String,
    /// `v1` or `v1alpha2`.
    pub api: &'static str,
    /// Why it is not ready, in its own words.
    pub not_ready: Option<String>,
    /// Why it has no network for pods, in its own words.
    pub network_not_ready: Option<String>,
    /// Plugins of the CNI configuration in force that are there and do not run.
    pub broken_plugins: Vec<Broken>,
    /// Whether it uses the systemd cgroup driver, when it tells.
    pub systemd_driver: Option<bool>,
    /// Whether it tells through RuntimeConfig, so that a new kubelet can follow.
    pub tells_driver: bool,
}

/// Asks; an error is the reason why it does not answer.
pub(super) fn observe(socket: &str, deadline: &Deadline) -> Result<Runtime, String> {
    let mut client = cri::Client::connect(socket, &deadline.at_most(LIMIT)).map_err(|e| e.to_string())?;
    let version = client.version().clone();
    let status = client.status().map_err(|e| e.to_string())?;
    let told = client.cgroup_driver().ok().map(|driver| driver == CgroupDriver::Systemd);
    let why = |kind: &str| {
        let condition = status.condition(kind).filter(|condition| !condition.ok)?;
        Some(format!("{} {}", condition.reason, condition.message).trim().to_owned())
    };
    Ok(Runtime {
        name: version.runtime_name,
        version: version.runtime_version,
        api: version.api,
        not_ready: why("RuntimeReady"),
        network_not_ready: why("NetworkReady"),
        broken_plugins: broken_plugins(&status, deadline),
        systemd_driver: told.or_else(|| status.systemd_cgroup()),
        tells_driver: told.is_some(),
    })
}

/// Of the first file, which is the one that containerd takes. A directory that cannot be read is the runtime's to tell.
fn broken_plugins(status: &cri::Status, deadline: &Deadline) -> Vec<Broken> {
    let confs = cni::load(cni::CONF_DIR).unwrap_or_default();
    let dirs: Vec<PathBuf> = status.plugin_dirs().into_iter().map(PathBuf::from).collect();
    let network = confs.first().and_then(|conf| conf.network.as_ref().ok());
    network.map(|network| plugins::broken(network, &dirs, deadline)).unwrap_or_default()
}
