//! `containerd_upgrade`: containerd goes to a newer release, with its configuration and its pods, and comes back when the new
//! one is not proved.
//!
//! What is offered is unpacked and asked for its version, the configuration is converted and read by the offered containerd,
//! all before anything is touched: check mode shows it. Then copies, and a journal that outlives a kill; then stop, swap,
//! start, and the proof. Anything less brings the old programs, unit and configuration back.

mod apply;
pub mod args;
mod conversion;
pub mod convert;
mod copies;
mod journal;
mod known;
mod observe;
mod offer;
mod package;
mod plan;
mod prove;
mod refusals;
mod report;
mod settings;
mod source;
mod swap;
mod version;

use ansible::{Contract, Locks, Module, Outcome, Run, Spec};
use apply::Upgraded;
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<ContainerdUpgrade>();

struct ContainerdUpgrade;

impl Contract for ContainerdUpgrade {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Upgraded;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn locks(_args: &Args) -> anyhow::Result<Locks> {
        Ok(vec![Box::new(kubeadm::lock::take()?)])
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        observe::observe(args, run)
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        plan::plan(args, state)
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Upgraded) -> anyhow::Result<()> {
        apply::apply(args, plan, run, done)
    }

    fn report(args: &Args, state: &State, plan: &Plan, done: Option<&Upgraded>) -> anyhow::Result<Outcome> {
        Ok(report::report(args, state, plan, done))
    }
}
