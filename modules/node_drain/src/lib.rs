//! `node_drain`: on a control plane, keeps new pods off a node and takes those it has away, through the eviction API.
//!
//! What a drain must not do by itself (lose the data of an emptyDir, end a pod that nothing makes anew) is refused before
//! anything is touched; what stands in its way while it runs (a PodDisruptionBudget, a pod that does not end) is named when
//! the time is over.

mod apply;
pub mod args;
mod budget;
mod observe;
mod plan;
mod pod;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Drained;
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<NodeDrain>();

struct NodeDrain;

impl Contract for NodeDrain {
    type Args = Args;
    type State = Option<State>;
    type Plan = Plan;
    type Done = Drained;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Option<State>> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, state: &Option<State>) -> anyhow::Result<Plan> {
        plan::plan(args, state.as_ref())
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Drained) -> anyhow::Result<()> {
        apply::apply(args, &plan, run, done)
    }

    fn report(args: &Args, state: &Option<State>, plan: &Plan, done: Option<&Drained>) -> anyhow::Result<Outcome> {
        Ok(report::report(args, state.as_ref(), plan, done))
    }
}
