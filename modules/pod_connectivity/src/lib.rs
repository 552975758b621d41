//! Proof from inside existing pods that they reach each other, the cluster's DNS and the outside; and when they do not,
//! which hop it is.
//!
//! A check is a look: what pods can check is observed. Only sandboxes to check from are made, and gone afterwards.

pub mod args;
mod checked;
pub mod checks;
pub mod hop;
mod look;
pub mod make;
pub mod observe;
mod plan;
pub mod probe;
mod report;
mod rounds;
mod sandbox;
pub mod target;

use ansible::{Contract, Done, Module, Outcome, Run, Spec};
use args::Args;
use checked::Checked;
use plan::Plan;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: Module = Module::of::<PodConnectivity>();

struct PodConnectivity;

/// What was found, and what the pods could check.
struct State {
    node: observe::State,
    checked: Checked,
}

impl Done for Checked {
    fn is_change(&self) -> bool {
        false
    }
}

impl Contract for PodConnectivity {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Checked;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout)
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        run.phase("looking for pods");
        let mut node = observe::observe(args, &run.deadline)?;
        look::look(args, &mut node, &run.deadline)?;
        run.phase("checking");
        let checked = rounds::from_pods(args, &node, &run.deadline)?;
        Ok(State { node, checked })
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        Ok(Plan::of(args, &state.node, &state.checked))
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Checked) -> anyhow::Result<()> {
        run.phase("checking from sandboxes");
        *done = rounds::from_sandboxes(args, plan, &run.deadline)?;
        Ok(())
    }

    fn report(args: &Args, state: &State, _: &Plan, done: Option<&Checked>) -> anyhow::Result<Outcome> {
        report::outcome(args, done.unwrap_or(&state.checked))
    }
}
