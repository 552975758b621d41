//! The pod bridge of a joined node, mended: missing, down, with an address of another network, with pods that hang in
//! the air, with stale address leases, or made from a placeholder that was never handed over.
//!
//! What can be mended under running pods is; pods are recreated only when their own addresses are wrong.

mod ahead;
mod apply;
pub mod args;
mod backup;
mod findings;
mod flannel;
mod observe;
mod plan;
mod rebuild;
mod repair;
mod report;
mod settle;
mod signs;
mod step;
mod subnet;

use ansible::{Contract, Module, Outcome, Run, Spec};
use apply::Mended;
use args::Args;
use observe::State;
use repair::Repair;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: Module = Module::of::<CniRepair>();

struct CniRepair;

impl Contract for CniRepair {
    type Args = Args;
    type State = State;
    type Plan = Repair;
    type Done = Mended;

    const SPEC: &'static Spec = &args::SPEC;
    /// The hand-over and flannel's pod change all the rest, and a repair that did not mend is a failure.
    const ROUNDS: u32 = 4;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        Duration::from_secs(args.timeout)
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        run.phase("looking at the pod network");
        settle::settled(args, &run.deadline)
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Repair> {
        let findings = findings::findings(state);
        let plan = plan::plan(args, state, &findings);
        Ok(Repair { findings, plan })
    }

    fn apply(args: &Args, repair: Repair, run: &Run, done: &mut Mended) -> anyhow::Result<()> {
        apply::apply(args, repair.plan, run, done)
    }

    fn report(_: &Args, state: &State, repair: &Repair, done: Option<&Mended>) -> anyhow::Result<Outcome> {
        Ok(report::report(state, repair, done))
    }
}
