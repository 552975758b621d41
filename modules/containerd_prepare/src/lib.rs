//! containerd is configured for Kubernetes, running, and answering over CRI.
//!
//! What is not asked for stays as it is: the configuration is edited in place, never regenerated. Reading, deciding and
//! editing are `node::containerd`, which a reset needs too; this module adds what containerd says of itself afterwards.

mod answer;
pub mod args;
mod report;

use ansible::{Contract, Done, Module, Outcome, Plan, Run, Spec};
use answer::Answer;
use args::Args;
use node::containerd::{apply, observe, plan};
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: Module = Module::of::<ContainerdPrepare>();

struct ContainerdPrepare;

/// What was found: the configuration, and what containerd says of itself when it answers.
struct State {
    node: observe::State,
    answer: Option<Answer>,
}

#[derive(Clone)]
struct Prepare {
    steps: plan::Plan,
    /// Whether containerd is to answer afterwards.
    answers: bool,
}

/// What was done, and what containerd says since then.
#[derive(Default)]
struct Prepared {
    begun: bool,
    answer: Option<Answer>,
}

impl Plan for Prepare {
    fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn diff(&self) -> Vec<ansible::Diff> {
        self.steps.diff()
    }
}

impl Done for Prepared {
    fn is_change(&self) -> bool {
        self.begun
    }
}

impl Contract for ContainerdPrepare {
    type Args = Args;
    type State = State;
    type Plan = Prepare;
    type Done = Prepared;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.timeout()
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        run.phase("looking at containerd and its configuration");
        let node = observe::observe(args, &run.deadline)?;
        let answer = match &node.runtime {
            Ok(runtime) => Some(Answer::of(args, runtime.clone(), &run.deadline)?),
            Err(_) => None,
        };
        Ok(State { node, answer })
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Prepare> {
        let answers = args.start || state.node.runtime.is_ok();
        Ok(Prepare { steps: plan::plan(args, &state.node)?, answers })
    }

    fn apply(args: &Args, plan: Prepare, run: &Run, done: &mut Prepared) -> anyhow::Result<()> {
        run.phase("configuring containerd");
        done.begun = true;
        apply::apply(args, &plan.steps, &run.deadline)?;
        if plan.answers {
            run.phase("asking containerd");
            done.answer = Some(answer::after(args, &plan.steps, &run.deadline)?);
        }
        Ok(())
    }

    fn report(args: &Args, state: &State, plan: &Prepare, done: Option<&Prepared>) -> anyhow::Result<Outcome> {
        let now = match done {
            Some(done) => done.answer.as_ref(),
            None => state.answer.as_ref(),
        };
        report::report(args, &state.node, &plan.steps, now, done.is_none())
    }
}
