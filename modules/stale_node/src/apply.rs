//! The deletion.

use crate::args::Args;
use crate::plan::Plan;
use ansible::Steps;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;

/// Does it. One that somebody else has deleted meanwhile is as good.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline, done: &mut Steps) -> anyhow::Result<()> {
    let Plan::Delete(name) = plan else { return Ok(()) };
    let words = ["delete", "node", &name, "--ignore-not-found"];
    let kubectl = Kubectl::new(&args.kubeconfig);
    let deleted = patiently(deadline, |limit| kubectl.run(&words, "", limit)?.success());
    deleted.with_context(|| format!("deleting Node {name}"))?;
    done.did(format!("deleted Node {name}"));
    Ok(())
}
