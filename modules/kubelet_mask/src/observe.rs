//! What is there: the unit, how it is held back, and whether this node is part of a cluster.

use crate::args::Args;
use host::deadline::Deadline;
use kubeadm::gate::{self, Unit};
use kubeadm::kubeconfig;
use kubeadm::kubelet::Kubelet;
use std::path::Path;

/// The kubelet before anything is done.
#[derive(Debug, Clone)]
pub struct State {
    /// Its unit.
    pub unit: Unit,
    /// Whether it runs with credentials of a cluster.
    pub serves_a_cluster: bool,
    /// Whether kubeadm's configuration lies there already, so that a gate would let the kubelet start.
    pub configured: bool,
}

/// Looks; changes nothing.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let unit = Unit::observe(&args.unit, deadline)?;
    let kubelet = Kubelet::observe(&args.unit, deadline)?;
    let configured = Path::new(gate::CONFIG).exists();
    let joined = configured && Path::new(kubeconfig::KUBELET_CONF).exists();
    Ok(State { unit, serves_a_cluster: joined && kubelet.running() && !kubelet.standalone(), configured })
}
