//! Whether this machine is a control plane already, and whether that is well.

use crate::args::Args;
use crate::settings::Settings;
use host::deadline::{Deadline, Look};
use host::files;
use kubeadm::gate::{KUBELET, Unit};
use kubeadm::kubeconfig::{self, Kubeconfig};
use kubeadm::kubectl::{ADMIN_CONF, Kubectl};
use kubeadm::version::Version;
use kubeadm::{ca, program};
use std::path::Path;
use std::time::Duration;

/// kubeadm's static pods.
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// Where kubeadm's etcd keeps the cluster.
const ETCD: &str = "/var/lib/etcd";
/// After a boot the API server needs this long, not more.
const BOOT: Duration = Duration::from_secs(60);

/// The machine before anything is done.
#[derive(Debug, Clone)]
pub struct State {
    /// kubeadm's version; none when it is not installed.
    pub kubeadm: Option<Version>,
    /// The kubelet's unit.
    pub unit: Unit,
    /// The administrator's kubeconfig.
    pub admin: Option<Kubeconfig>,
    /// Why the API server does not answer; none when it does, or when there is no kubeconfig to ask with.
    pub unhealthy: Option<String>,
    /// What the last phases of `kubeadm init` make and this healthy cluster lacks; none when nothing is lacking.
    pub unfinished: Option<String>,
    /// What this healthy cluster was made with, as far as it says.
    pub settings: Settings,
    /// What a control plane that was begun has left: manifests, etcd's data.
    pub remains: Vec<String>,
    /// Whether this node has credentials of a worker.
    pub worker: bool,
    /// `sha256:<hex>` of the cluster's CA.
    pub ca_cert_hash: Option<String>,
    /// The Node's name.
    pub node_name: String,
}

/// Looks; changes nothing. Waits for an API server that is starting.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let admin = kubeconfig::read(ADMIN_CONF)?;
    let unhealthy =
        if admin.is_some() { healthy(&deadline.at_most(BOOT)).err().map(|e| format!("{e:#}")) } else { None };
    let (unfinished, settings) =
        if admin.is_some() && unhealthy.is_none() { cluster(deadline)? } else { (None, Settings::default()) };
    Ok(State {
        kubeadm: program::version(deadline)?,
        unit: Unit::observe(KUBELET, deadline)?,
        worker: admin.is_none() && Path::new(kubeconfig::KUBELET_CONF).exists(),
        admin,
        unhealthy,
        unfinished,
        settings,
        remains: remains()?,
        ca_cert_hash: ca_cert_hash()?,
        node_name: args.node_name.clone().unwrap_or_else(host_name),
    })
}

/// Waits until the API server says that it is well.
pub fn healthy(deadline: &Deadline) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(ADMIN_CONF);
    deadline.poll(Duration::from_secs(1), "a healthy API server", || {
        let output = kubectl.run(&["get", "--raw", "/healthz"], "", &deadline.at_most(Duration::from_secs(10)))?;
        let stderr = output.stderr_text();
        Ok(if output.status.success() { Look::Ready(()) } else { Look::NotYet(stderr.trim().to_owned()) })
    })
}

/// An init that was killed, or gave up on a control plane which then came up: what the phases after `wait-control-plane`
/// make is not there. From 1.29 on not even admin.conf may do anything before them.
fn cluster(deadline: &Deadline) -> anyhow::Result<(Option<String>, Settings)> {
    let kubectl = Kubectl::new(ADMIN_CONF);
    let mut settings = Settings::default();
    for (name, namespace) in [("kubeadm-config", "kube-system"), ("cluster-info", "kube-public")] {
        match kubectl.get("configmap", name, namespace, &deadline.at_most(BOOT)) {
            Ok(Some(map)) => {
                // kubeadm's is YAML inside; cluster-info has no such entry.
                if let Some(text) = map["data"]["ClusterConfiguration"].as_str() {
                    settings = Settings::read(&kubeconfig::yaml(text).unwrap_or_default());
                }
            }
            Ok(None) => return Ok((Some(format!("ConfigMap {name} in {namespace}")), settings)),
            Err(error) if format!("{error:#}").contains("Forbidden") => {
                return Ok((Some(format!("the rights of {ADMIN_CONF}")), settings));
            }
            Err(error) => return Err(error),
        }
    }
    Ok((None, settings))
}

/// The hash workers pin.
pub fn ca_cert_hash() -> anyhow::Result<Option<String>> {
    files::read_optional(kubeconfig::CA_CERT)?.map(|pem| ca::hash_of_pem(&pem)).transpose()
}

fn remains() -> anyhow::Result<Vec<String>> {
    let manifests = files::names(MANIFESTS)?;
    let plane = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        name.starts_with("kube-") || name.starts_with("etcd")
    };
    let mut found: Vec<String> = manifests
        .iter()
        .filter(|name| plane(name))
        .map(|name| format!("{MANIFESTS}/{}", name.to_string_lossy()))
        .collect();
    if !files::names(ETCD)?.is_empty() {
        found.push(ETCD.to_owned());
    }
    Ok(found)
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_lowercase()
}
