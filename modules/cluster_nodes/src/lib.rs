//! `cluster_nodes`: on a control plane, waits until Nodes are Ready, and says which are not and why.
//!
//! It changes nothing. In check mode it looks once and does not wait; nodes that are not Ready are then no failure, because
//! what would have brought them in was only announced.

mod apply;
pub mod args;
mod node;
mod observe;
mod plan;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Waited;
use args::Args;
use node::Node;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<ClusterNodes>();

struct ClusterNodes;

impl Contract for ClusterNodes {
    type Args = Args;
    type State = Vec<Node>;
    type Plan = Plan;
    type Done = Waited;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Vec<Node>> {
        observe::first(args, &run.deadline)
    }

    fn plan(args: &Args, nodes: &Vec<Node>) -> anyhow::Result<Plan> {
        Ok(Plan::of(args, nodes.clone()))
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Waited) -> anyhow::Result<()> {
        apply::apply(args, plan, run, done)
    }

    fn report(_: &Args, _: &Vec<Node>, plan: &Plan, done: Option<&Waited>) -> anyhow::Result<Outcome> {
        match done {
            None => Ok(report::outcome(plan)),
            Some(waited) => report::verdict(waited),
        }
    }
}
