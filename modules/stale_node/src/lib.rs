//! `stale_node`: on the control plane, removes the Node object of a worker that was wiped, so that it can join again.
//!
//! A name is no identity: two machines may have the same. The Node is deleted only when machine id and system UUID are
//! those of the machine that wants to join; anything else is refused, and a control plane always.

mod apply;
pub mod args;
mod observe;
mod plan;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec, Steps};
use args::Args;
use observe::Node;
use plan::Plan;
use std::time::Duration;

/// The API server is on this machine; a minute is for one that is restarting.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module::of::<StaleNode>();

struct StaleNode;

impl Contract for StaleNode {
    type Args = Args;
    type State = Option<Node>;
    type Plan = Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(_: &Args) -> Duration {
        BUDGET
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Option<Node>> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, node: &Option<Node>) -> anyhow::Result<Plan> {
        plan::plan(args, node.as_ref())
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
        apply::apply(args, plan, &run.deadline, done)
    }

    fn report(args: &Args, node: &Option<Node>, plan: &Plan, _: Option<&Steps>) -> anyhow::Result<Outcome> {
        Ok(report::report(args, node.as_ref(), plan))
    }
}
