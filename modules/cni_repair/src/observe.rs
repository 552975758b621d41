//! What there is: the network in force, this node's addresses, the bridge and its ports, pods, leases, the kubelet.

mod pods;

use crate::ahead::{self, Ahead};
use crate::args::Args;
use crate::subnet::{self, Subnet};
use host::deadline::Deadline;
use host::files;
use host::links::{self, Link};
use kubeadm::gate::{self, Method};
use node::cni::records::{self, Record};
use node::cni::{Bridged, bridged};
use node::flannel::Fault;
use node::handover;
use node::placeholder::Placeholder;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

const RESULTS: &str = "/var/lib/cni/results";
const NETWORKS: &str = "/var/lib/cni/networks";

/// The node's pod network as it is.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The network that makes a bridge; none when the CNI in force makes none, or there is no CNI.
    pub network: Option<Bridged>,
    /// The addresses this node's pods have to have.
    pub subnet: Option<Subnet>,
    /// All links.
    pub links: Vec<Link>,
    /// Sandboxes on the pod network that run.
    pub pods: Vec<Pod>,
    /// flannel's own sandboxes, which are on this machine's network.
    pub flannel: Vec<Pod>,
    /// The Node says that flannel's back end is the VXLAN; only asked when there is none.
    pub wants_vxlan: bool,
    /// What of flannel's way to other nodes differs from what it noted on the Nodes.
    pub flannel_path: Vec<Fault>,
    /// Ids of all sandboxes; none when the runtime did not answer.
    pub sandboxes: Option<Vec<String>>,
    /// Why the runtime did not answer.
    pub runtime_error: Option<String>,
    /// host-local's leases in the network.
    pub leases: Vec<Lease>,
    /// libcni's records.
    pub records: Vec<Record>,
    /// What is left of a placeholder that the real network has replaced.
    pub handover: handover::plan::Plan,
    /// What comes before the bridge.
    pub ahead: Ahead,
    /// The kubelet's unit is held back, and by whom, although this node has joined.
    pub kubelet_held: bool,
}

/// A running sandbox on the pod network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pod {
    /// The sandbox's id.
    pub id: String,
    /// `namespace/name`.
    pub name: String,
    /// Its addresses.
    pub ips: Vec<IpAddr>,
    /// The host's end of its veth, when libcni recorded it.
    pub veth: Option<String>,
    /// It is on this machine's network, as flannel's own is.
    pub host_network: bool,
}

/// An address that host-local holds for a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The file, named by the address.
    pub path: PathBuf,
    /// The sandbox's id.
    pub container: String,
    /// How long ago it was taken.
    pub age: Duration,
}

/// Looks; changes nothing and waits for nothing.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let mut state = State { network: bridged()?, links: links::list(deadline)?, ..State::default() };
    let placeholder = Placeholder::usual(&args.socket);
    state.handover = handover::plan::plan(&placeholder, &handover::observe::observe(&placeholder, deadline)?);
    state.kubelet_held = kubelet_held(&args.kubelet_unit, deadline);
    let wrote = files::read_text(subnet::SUBNET_ENV)?.and_then(|env| subnet::of_flannel(&env));
    let wrote = wrote.map(|subnet| subnet.network);
    state.ahead = ahead::observe(&args.kubelet_unit, &args.socket, wrote, deadline)?;
    let Some(network) = &state.network else {
        if state.ahead.no_conf || state.ahead.no_network {
            running(args, &mut state, deadline);
        }
        return Ok(state);
    };
    state.subnet = subnet::find(args.pod_cidr()?, deadline)?;
    let has_tunnel = state.links.iter().any(|link| link.name.starts_with("flannel"));
    state.wants_vxlan = !has_tunnel && Path::new(subnet::SUBNET_ENV).exists() && subnet::backend_is_vxlan(deadline);
    if has_tunnel || !state.wants_vxlan {
        state.flannel_path = subnet::path_faults(deadline)?;
    }
    state.records = records::records(Path::new(RESULTS), &network.bridge)?;
    state.leases = pods::leases(&Path::new(NETWORKS).join(&network.name))?;
    running(args, &mut state, deadline);
    Ok(state)
}

/// Pods, as far as the runtime answers.
fn running(args: &Args, state: &mut State, deadline: &Deadline) {
    match pods::pods(&args.socket, &state.records, deadline) {
        Ok((pods, sandboxes)) => {
            let (flannel, pods) = pods.into_iter().partition(|pod| pod.host_network);
            (state.flannel, state.pods, state.sandboxes) = (flannel, pods, Some(sandboxes));
        }
        Err(error) => state.runtime_error = Some(format!("{error:#}")),
    }
}

/// Left behind by a repair that was killed: nobody else holds back the kubelet of a node that has joined.
fn kubelet_held(unit: &str, deadline: &Deadline) -> bool {
    let joined = Path::new(kubeadm::kubeconfig::KUBELET_CONF).exists() && Path::new(gate::CONFIG).exists();
    // Without systemd there is no unit to be held.
    let unit = gate::Unit::observe(unit, deadline).ok();
    joined && unit.is_some_and(|unit| unit.remembered.is_some() && unit.held() != Method::None)
}
