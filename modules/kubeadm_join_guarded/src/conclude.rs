//! After kubeadm has succeeded: the proof, the gate taken away, and what the cluster says of the Node, all at once.

use crate::args::Args;
use crate::observe::{State, UNIT};
use crate::{mend, node};
use anyhow::bail;
use host::deadline::Deadline;
use kubeadm::classify::Finding;
use kubeadm::gate;
use serde_json::Value;
use std::time::Duration;

/// The gate goes, and the cluster is asked, however much of its time the join has taken.
const CONCLUDE: Duration = Duration::from_secs(20);

/// What was seen.
pub struct Joined {
    /// That the node is one of the cluster's.
    pub proof: Value,
    /// What it took to let the kubelet start at boot.
    pub lifted: anyhow::Result<Option<String>>,
    /// The Node.
    pub seen: Value,
}

/// systemd, the kubelet and the cluster are asked at once: none waits for the other.
pub fn conclude(args: &Args, state: &State, prove: impl FnOnce() -> Result<Value, Finding>) -> Result<Joined, Finding> {
    std::thread::scope(|scope| {
        let lifting = scope.spawn(lift);
        let seeing = scope.spawn(|| look(args, state));
        let proof = prove()?;
        let lifted = lifting.join().unwrap_or_else(|_| bail!("taking the kubelet's gate away: it broke off"));
        Ok(Joined { proof, lifted, seen: seeing.join().unwrap_or_default() })
    })
}

/// The kubelet is held back no more, and starts at boot.
fn lift() -> anyhow::Result<Option<String>> {
    let deadline = Deadline::after(CONCLUDE);
    gate::lift(UNIT, &deadline)?;
    mend::enable(&deadline)
}

/// What the cluster says of the new Node. It changes nothing about the join having succeeded.
fn look(args: &Args, state: &State) -> Value {
    let patience = args.patience();
    node::look(&state.node_name, &args.cri_socket, patience, &Deadline::after(patience + CONCLUDE))
}
