//! `kubeadm_init_guarded`: makes this machine the first control plane of a cluster, once.
//!
//! A control plane that is there and healthy is left alone; one that is there and not healthy is never initialised over:
//! its etcd holds somebody's cluster. A half-made one is refused with the way out.

mod apply;
pub mod args;
mod config;
mod crashed;
mod failure;
mod observe;
mod plan;
mod report;
mod settings;

use ansible::{Contract, Locks, Module, Outcome, Run, Spec};
use args::Args;
use kubeadm::lock;
use observe::State;
use plan::Plan;
use report::Done;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<KubeadmInit>();

struct KubeadmInit;

impl Contract for KubeadmInit {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Done;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn locks(_: &Args) -> anyhow::Result<Locks> {
        Ok(vec![Box::new(lock::take()?)])
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        plan::plan(args, state)
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Done) -> anyhow::Result<()> {
        apply::apply(args, plan, run, done)
    }

    fn report(_: &Args, state: &State, plan: &Plan, done: Option<&Done>) -> anyhow::Result<Outcome> {
        Ok(report::outcome(state, plan, done))
    }
}
