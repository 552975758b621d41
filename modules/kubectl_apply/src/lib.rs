//! `kubectl_apply`: on a control plane, applies manifests with its own kubectl.
//!
//! Manifests hold passwords. They come in on stdin and go to kubectl on its stdin; what kubectl itself writes while it
//! compares or renders lies in memory that no other process sees and that ends with this one; and what it says is told
//! without the parts that quote an object.

mod apply;
pub mod args;
mod observe;
mod plan;
mod render;
mod report;
mod secrets;
mod words;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Applied;
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<KubectlApply>();

struct KubectlApply;

impl Contract for KubectlApply {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Applied;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout.unsigned_abs())
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        observe::observe(args, run)
    }

    fn plan(_: &Args, state: &State) -> anyhow::Result<Plan> {
        plan::plan(state)
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Applied) -> anyhow::Result<()> {
        apply::apply(args, &plan, run, done)
    }

    fn report(_: &Args, state: &State, plan: &Plan, done: Option<&Applied>) -> anyhow::Result<Outcome> {
        report::report(state, plan, done)
    }
}
