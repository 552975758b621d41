//! flannel as the cluster needs it: rendered from options and from the cluster itself, compared with what is there, rolled
//! out node by node, and put back when the rollout fails.

mod apply;
pub mod args;
mod compare;
mod manifest;
mod observe;
mod plan;
mod pods;
mod release;
mod report;
mod rollout;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Applied;
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<FlannelConfig>();

struct FlannelConfig;

impl Contract for FlannelConfig {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Applied;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout)
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        run.phase("reading the cluster");
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        plan::plan(args, state)
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Applied) -> anyhow::Result<()> {
        run.phase("rolling out flannel");
        apply::apply(args, plan, &run.deadline, done)
    }

    fn report(_: &Args, _: &State, plan: &Plan, _: Option<&Applied>) -> anyhow::Result<Outcome> {
        Ok(report::report(plan))
    }
}
