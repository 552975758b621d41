//! What this node is: which programs it has, which cluster it thinks it belongs to, and how its kubelet fares.

use crate::annotation::{self, Annotation};
use crate::args::Args;
use anyhow::bail;
use host::deadline::Deadline;
use join_prerequisites::observe::claimed_ca;
use kubeadm::gate::{self, Unit};
use kubeadm::kubeconfig::{self, Kubeconfig};
use kubeadm::kubelet::{self, Health, Kubelet};
use kubeadm::program;
use kubeadm::version::Version;
use std::path::Path;

/// The kubelet's unit.
pub const UNIT: &str = gate::KUBELET;
/// A control plane has this.
const API_SERVER_MANIFEST: &str = "/etc/kubernetes/manifests/kube-apiserver.yaml";

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
    /// CA of the cluster that answers at the address asked for; looked for only where nothing else tells it from ours.
    pub asked_ca: Option<String>,
    /// Whether the client certificate that kubeconfig names is there.
    pub certificate: bool,
    /// Whether config.yaml is there.
    pub configured: bool,
    /// kubeadm's note on the Node; looked for only where the node has joined.
    pub annotation: Annotation,
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
    let asked_ca = match &conf {
        Some(Ok(conf)) => asked_ca(args, conf, deadline),
        _ => None,
    };
    let node_name = args.node_name.clone().unwrap_or_else(host_name);
    let annotation = if certificate { annotation::observe(&node_name, deadline) } else { Annotation::Fine };
    // Programs are asked at once: none waits for the other.
    let (kubeadm, unit, kubelet) = std::thread::scope(|scope| {
        let unit = scope.spawn(|| Unit::observe(UNIT, deadline));
        let kubelet = scope.spawn(|| Kubelet::observe(UNIT, deadline));
        let kubeadm = program::version(deadline);
        (kubeadm, unit.join().unwrap_or_else(|_| broke_off()), kubelet.join().unwrap_or_else(|_| broke_off()))
    });
    Ok(State {
        asked_ca,
        annotation,
        kubeadm: kubeadm?,
        unit: unit?,
        kubelet: kubelet?,
        health: kubelet::healthz(),
        conf,
        certificate,
        configured: Path::new(gate::CONFIG).exists(),
        control_plane: Path::new(API_SERVER_MANIFEST).exists(),
        node_name,
    })
}

fn broke_off<T>() -> anyhow::Result<T> {
    bail!("asking systemd for {UNIT}: it broke off")
}

/// One cluster has many addresses: without a hash to compare, the one asked for is asked, when it is not the one in use.
fn asked_ca(args: &Args, conf: &Kubeconfig, deadline: &Deadline) -> Option<String> {
    let asked =
        args.endpoint().filter(|asked| args.ca_cert_hashes.is_empty() && asked.to_string() != conf.endpoint())?;
    conf.ca_hash.as_ref()?;
    claimed_ca(&asked, deadline)
}

/// What kubeadm calls the Node when it is not told: the host's name in lower case.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_lowercase()
}
