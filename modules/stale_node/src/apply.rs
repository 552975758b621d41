//! The deletion.

use crate::args::Args;
use crate::plan::Plan;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;

/// Does it. One that somebody else has deleted meanwhile is as good.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline) -> anyhow::Result<()> {
    if plan == Plan::Nothing {
        return Ok(());
    }
    let words = ["delete", "node", &args.node_name, "--ignore-not-found"];
    let kubectl = Kubectl::new(&args.kubeconfig);
    let deleted = patiently(deadline, |limit| kubectl.run(&words, "", limit)?.success());
    deleted.map(drop).with_context(|| format!("deleting Node {}", args.node_name))
}
