//! `join_prerequisites`: what a join needs of this node, checked one by one, and mended where that is safe.
//!
//! The checks and what mends them are the crate `prerequisites`, which the join uses, too.

mod apply;
pub mod args;
mod plan;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Mended;
use args::Args;
use plan::Plan;
use prerequisites::observe::{self, Facts};
use std::time::Duration;

/// Every single question has a limit of its own below this.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module::of::<JoinPrerequisites>();

struct JoinPrerequisites;

impl Contract for JoinPrerequisites {
    type Args = Args;
    type State = Facts;
    type Plan = Plan;
    type Done = Mended;

    const SPEC: &'static Spec = &args::SPEC;
    const LONG: bool = false;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(_: &Args) -> Duration {
        BUDGET
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Facts> {
        Ok(observe::observe(&args.join, &run.deadline))
    }

    fn plan(args: &Args, facts: &Facts) -> anyhow::Result<Plan> {
        Ok(plan::plan(args, facts))
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Mended) -> anyhow::Result<()> {
        apply::apply(args, plan, &run.deadline, done);
        Ok(())
    }

    fn report(args: &Args, _: &Facts, plan: &Plan, done: Option<&Mended>) -> anyhow::Result<Outcome> {
        report::report(args, plan, done)
    }
}
