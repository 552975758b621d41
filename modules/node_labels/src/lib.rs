//! `node_labels`: on a control plane, gives Nodes the labels and taints of an inventory.
//!
//! What was given is written down in an annotation of the Node, so that it goes when it is taken out of the inventory, and
//! what anybody else has given stays.

mod apply;
pub mod args;
mod names;
mod observe;
mod plan;
mod taint;

use ansible::{Contract, Module, Outcome, Run, Spec, Steps};
use args::Args;
use observe::Node;
use plan::Plan;
use std::collections::BTreeMap;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<NodeLabels>();

struct NodeLabels;

impl Contract for NodeLabels {
    type Args = Args;
    type State = BTreeMap<String, Node>;
    type Plan = Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;
    const LONG: bool = false;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout.unsigned_abs())
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<BTreeMap<String, Node>> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, nodes: &BTreeMap<String, Node>) -> anyhow::Result<Plan> {
        plan::plan(&args.wanted()?, nodes)
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
        apply::apply(args, &plan, &run.deadline, done)
    }

    fn report(_: &Args, _: &BTreeMap<String, Node>, plan: &Plan, _: Option<&Steps>) -> anyhow::Result<Outcome> {
        let changes: Vec<String> =
            plan.0.iter().map(|change| format!("{}: {}", change.name, change.words().join(", "))).collect();
        let msg =
            if changes.is_empty() { "labels and taints are as they should be".into() } else { changes.join("; ") };
        Ok(Outcome::new().msg(msg).field("changes", changes))
    }
}
