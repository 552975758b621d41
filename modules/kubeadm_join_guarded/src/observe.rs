//! What this node is: which programs it has, which cluster it thinks it belongs to, and how its kubelet fares.

use crate::annotation;
use crate::args::Args;
use anyhow::bail;
use host::deadline::Deadline;
use kubeadm::endpoint::{Endpoint, is_own};
use kubeadm::gate::{self, Unit};
use kubeadm::kubeconfig::{self, Client, Kubeconfig};
use kubeadm::kubelet::{self, Health, Kubelet};
use kubeadm::own_node::{self, Answer};
use kubeadm::program;
use kubeadm::version::Version;
use prerequisites::observe::{claimed_ca, clock_of};
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The kubelet's unit.
pub const UNIT: &str = gate::KUBELET;
/// One look at the Node: a run on a node that is well must not wait long for a cluster that does not answer.
const LOOK: Duration = Duration::from_secs(5);
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
    /// The client certificate that kubeconfig names; none without a kubeconfig that can be read.
    pub client: Option<Client>,
    /// The API server's clock; asked only where this node's says that the certificate has expired.
    pub server_clock: Option<SystemTime>,
    /// What the API server says of this machine's Node; none where the node has not joined.
    pub registered: Option<Answer>,
    /// Whether config.yaml is there.
    pub configured: bool,
    /// Whether kubeadm keeps the runtime's socket on this machine, and not on the Node.
    pub socket_kept_here: bool,
    /// Whether this machine runs an API server.
    pub control_plane: bool,
    /// The Node's name, as kubeadm will choose it.
    pub node_name: String,
    /// Those of the addresses that the kubelet is to be given as its Node's (node-ip) that are not this machine's.
    pub foreign_node_ips: Vec<String>,
    /// The Node's name that this machine's kubelet uses.
    pub kubelet_name: String,
}

impl State {
    /// The Node whose name the kubelet's certificate has.
    pub fn certified_name(&self) -> Option<&str> {
        match &self.client {
            Some(Client::Good { node }) => node.as_deref(),
            _ => None,
        }
    }

    /// When the kubelet's certificate expired; none when it has not.
    pub fn expired(&self) -> Option<SystemTime> {
        match self.client {
            Some(Client::Expired(at)) => Some(at),
            _ => None,
        }
    }
}

/// Looks; changes nothing.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let conf = kubeconfig::read(kubeconfig::KUBELET_CONF).map_err(|e| format!("{e:#}")).transpose();
    let client = match &conf {
        Some(Ok(conf)) => Some(conf.client(SystemTime::now())),
        _ => None,
    };
    let asked_ca = match &conf {
        Some(Ok(conf)) => asked_ca(args, conf, deadline),
        _ => None,
    };
    let node_name = args.node_name.clone().unwrap_or_else(host_name);
    // Programs are asked at once: none waits for the other.
    let (kubeadm, unit, kubelet) = std::thread::scope(|scope| {
        let unit = scope.spawn(|| Unit::observe(UNIT, deadline));
        let kubelet = scope.spawn(|| Kubelet::observe(UNIT, deadline));
        let kubeadm = program::version(deadline);
        (kubeadm, unit.join().unwrap_or_else(|_| broke_off()), kubelet.join().unwrap_or_else(|_| broke_off()))
    });
    let kubelet = kubelet?;
    let kubelet_name = kubelet::node_name(&kubelet.args).unwrap_or_else(host_name);
    let (registered, server_clock) = match (&client, &conf) {
        (Some(Client::Good { node }), _) => {
            let name = node.as_ref().unwrap_or(&kubelet_name);
            (Some(own_node::ask(name, &deadline.at_most(LOOK))), None)
        }
        (Some(Client::Expired(_)), Some(Ok(conf))) => (None, server_clock(conf, deadline)),
        _ => (None, None),
    };
    Ok(State {
        asked_ca,
        client,
        server_clock,
        registered,
        socket_kept_here: annotation::is_kept_here(),
        foreign_node_ips: foreign_node_ips(args),
        kubelet_name,
        kubeadm: kubeadm?,
        unit: unit?,
        kubelet,
        health: kubelet::healthz(),
        conf,
        configured: Path::new(gate::CONFIG).exists(),
        control_plane: Path::new(API_SERVER_MANIFEST).exists(),
        node_name,
    })
}

fn broke_off<T>() -> anyhow::Result<T> {
    bail!("asking systemd for {UNIT}: it broke off")
}

/// The kubelet does not fail of these: it registers a Node that has no address, which nobody reaches.
fn foreign_node_ips(args: &Args) -> Vec<String> {
    let given = args.kubelet_extra_args.get("node-ip").and_then(|value| value.as_str()).unwrap_or_default();
    let foreign = |text: &&str| {
        // Unspecified chooses a family only; what is not an address at all the kubelet refuses itself.
        text.parse::<IpAddr>().is_ok_and(|address| !address.is_unspecified() && !is_own(address))
    };
    given.split(',').map(str::trim).filter(foreign).map(str::to_owned).collect()
}

/// The clock of the cluster this node belongs to.
fn server_clock(conf: &Kubeconfig, deadline: &Deadline) -> Option<SystemTime> {
    clock_of(&Endpoint::of_server(&conf.server).ok()?, deadline)
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
