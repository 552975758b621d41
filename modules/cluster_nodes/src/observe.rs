//! The Nodes there are.

use crate::args::Args;
use crate::node::Node;
use anyhow::ensure;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;
use std::path::Path;
use std::time::Duration;

/// A single look takes no longer than an API server needs that is restarting.
const LOOK: Duration = Duration::from_secs(60);

/// The first look. It fails at once where waiting cures nothing, and has time of its own when there is none to wait.
pub fn first(args: &Args, deadline: &Deadline) -> anyhow::Result<Vec<Node>> {
    ensure!(
        Path::new(&args.kubeconfig).exists(),
        "there is no {}: this machine is not a control plane made by kubeadm",
        args.kubeconfig
    );
    let limit = if deadline.left() < LOOK { Deadline::after(LOOK) } else { *deadline };
    patiently(&limit, |limit| list(args, limit))
}

/// A further look.
pub fn again(args: &Args, deadline: &Deadline) -> anyhow::Result<Vec<Node>> {
    list(args, &deadline.at_most(LOOK))
}

fn list(args: &Args, limit: &Deadline) -> anyhow::Result<Vec<Node>> {
    let mut nodes: Vec<Node> = Kubectl::new(&args.kubeconfig).list("nodes", limit)?.iter().map(Node::read).collect();
    nodes.sort_by(|a, b| (!a.control_plane, &a.name).cmp(&(!b.control_plane, &b.name)));
    Ok(nodes)
}
