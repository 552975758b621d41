//! What this node is: which programs it has, which cluster it thinks it belongs to, and how its kubelet fares.

use crate::args::Args;
use anyhow::Context as _;
use host::deadline::Deadline;
use host::process::Program;
use kubeadm::gate::{self, Unit};
use kubeadm::kubeconfig::{self, Kubeconfig};
use kubeadm::kubelet::{self, Health, Kubelet};
use kubeadm::version::Version;
use std::path::Path;
use std::time::Duration;

/// The kubelet's unit.
pub const UNIT: &str = gate::KUBELET;
/// A control plane has this.
const API_SERVER_MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";
/// Asking a program for its version is quick.
const VERSION_LIMIT: Duration = Duration::from_secs(15);

/// The node before anything is done.
#[derive(Debug, Clone)]
pub struct State {
    /// kubeadm's version; none when it is not installed.
    pub kubeadm: Option<Version>,
    /// The kubelet's unit.
    pub unit: Unit,
    /// The kubelet's process.
    pub kubelet: Kubelet,
    /// Its health endpoint.
    pub health: Health,
    /// The kubelet's kubeconfig; `Err` when it is there and cannot be read.
    pub conf: Option<Result<Kubeconfig, String>>,
    /// Whether the client certificate that kubeconfig names is there.
    pub certificate: bool,
    /// Whether config.yaml is there.
    pub configured: bool,
    /// Whether this machine runs an API server.
    pub control_plane: bool,
    /// The Node's name, as kubeadm will choose it.
    pub node_name: String,
}

/// Looks; changes nothing.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let conf = kubeconfig::read(kubeconfig::KUBELET_CONF).map_err(|e| format!("{e:#}")).transpose();
    let certificate = match &conf {
        Some(Ok(conf)) => conf.client_certificate.as_ref().is_none_or(|path| path.exists()),
        _ => false,
    };
    Ok(State {
        kubeadm: kubeadm_version(deadline)?,
        unit: Unit::observe(UNIT, deadline)?,
        kubelet: Kubelet::observe(UNIT, deadline)?,
        health: kubelet::healthz(),
        conf,
        certificate,
        configured: Path::new(gate::CONFIG).exists(),
        control_plane: Path::new(API_SERVER_MANIFEST).exists(),
        node_name: args.node_name.clone().unwrap_or_else(host_name),
    })
}

/// The search path for kubeadm and what it calls: a login without a shell often lacks the sbin directories, and then
/// kubeadm reports programs as missing that are installed.
pub fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let mut all: Vec<&str> = own.split(':').filter(|dir| !dir.is_empty()).collect();
    for dir in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/bin"] {
        if !all.contains(&dir) {
            all.push(dir);
        }
    }
    all.join(":")
}

/// kubeadm as a program to be run.
pub fn kubeadm() -> Program {
    Program::new("kubeadm").env("PATH", search_path())
}

fn kubeadm_version(deadline: &Deadline) -> anyhow::Result<Option<Version>> {
    let output = match kubeadm().args(["version", "-o", "short"]).run(&deadline.at_most(VERSION_LIMIT)) {
        Ok(output) => output.success()?.stdout_text(),
        Err(e) if is_missing(&e) => return Ok(None),
        Err(e) => return Err(e),
    };
    Version::parse(&output).map(Some).context("asking kubeadm for its version")
}

fn is_missing(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound))
}

/// What kubeadm calls the Node when it is not told: the host's name in lower case.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_lowercase()
}
