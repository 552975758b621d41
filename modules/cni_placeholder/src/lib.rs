//! A CNI configuration is there before containerd starts, and never stands in front of a working one.
//!
//! Two jobs in one module: the file, and the hand-over from it to the real configuration.

pub mod apply;
pub mod args;
pub mod observe;
pub mod plan;
pub mod template;

use ansible::{Contract, Diff, Module, Outcome, Run, Spec, Steps};
use args::{Args, State as Wanted};
use node::handover;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: Module = Module::of::<CniPlaceholder>();

struct CniPlaceholder;

enum State {
    File(observe::State),
    Handover(handover::observe::State),
}

#[derive(Clone)]
enum Plan {
    File(plan::Plan),
    Handover(handover::plan::Plan),
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        match self {
            Plan::File(plan) => plan.is_empty(),
            Plan::Handover(plan) => plan.is_empty(),
        }
    }

    fn diff(&self) -> Vec<Diff> {
        match self {
            Plan::File(plan) => plan.diff(),
            Plan::Handover(plan) => plan.diff(),
        }
    }
}

impl Contract for CniPlaceholder {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;
    const LONG: bool = false;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout)
    }

    fn wait(args: &Args, run: &Run) -> anyhow::Result<()> {
        if args.state != Wanted::Handover {
            return Ok(());
        }
        run.phase("waiting for the real CNI configuration");
        handover::observe::wait(&args.placeholder(), &run.deadline)
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        Ok(match args.state {
            Wanted::Present | Wanted::Absent => State::File(observe::observe(args)?),
            Wanted::Handover => State::Handover(handover::observe::observe(&args.placeholder(), &run.deadline)?),
        })
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        Ok(match state {
            State::File(state) => Plan::File(plan::plan(args, state)),
            State::Handover(state) => Plan::Handover(handover::plan::plan(&args.placeholder(), state)),
        })
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
        match plan {
            Plan::File(plan) => apply::apply(&plan, done),
            Plan::Handover(plan) => {
                run.phase("handing over to the real CNI");
                handover::apply::apply(&args.placeholder(), &plan, &run.deadline, done)
            }
        }
    }

    fn report(args: &Args, _: &State, plan: &Plan, _: Option<&Steps>) -> anyhow::Result<Outcome> {
        Ok(match plan {
            Plan::File(plan) => plan.outcome(args),
            Plan::Handover(plan) => plan.outcome(),
        })
    }
}
