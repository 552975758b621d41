//! `kubelet_mask`: hold the kubelet back until kubeadm has written its configuration, or let it go.
//!
//! The means are in `kubeadm::gate`, which the join shares. This module refuses to stop a kubelet that serves a cluster.

mod apply;
pub mod args;
mod observe;
mod plan;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec, Steps};
use args::Args;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<KubeletMask>();

/// Longer than systemd's own limit for stopping a unit.
const BUDGET: Duration = Duration::from_secs(120);

struct KubeletMask;

impl Contract for KubeletMask {
    type Args = Args;
    type State = observe::State;
    type Plan = plan::Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;
    const LONG: bool = false;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(_: &Args) -> Duration {
        BUDGET
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<observe::State> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, state: &observe::State) -> anyhow::Result<plan::Plan> {
        Ok(plan::plan(args, state))
    }

    fn apply(_: &Args, plan: plan::Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
        apply::apply(plan, &run.deadline, done)
    }

    fn report(_: &Args, state: &observe::State, plan: &plan::Plan, _: Option<&Steps>) -> anyhow::Result<Outcome> {
        Ok(report::report(state, plan))
    }
}
