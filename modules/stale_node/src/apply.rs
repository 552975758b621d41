//! The deletion.

use crate::args::Args;
use crate::plan::Plan;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;

/// Does it. One that somebody else has deleted meanwhile is as good.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline) -> anyhow::Result<()> {
    if plan == Plan::Nothing {
        return Ok(());
    }
    let words = ["delete", "node", &args.node_name, "--ignore-not-found"];
    let output = Kubectl::new(&args.kubeconfig).run(&words, "", deadline)?;
    output.success().map(drop).with_context(|| format!("deleting Node {}", args.node_name))
}
