//! `aggressive_reset`: takes a node out of its cluster, and loses nothing that is not Kubernetes' own.
//!
//! The reset is the crate `reset`, which a join uses, too. A join or init at work must not have the node pulled from under
//! it: the module takes their lock.

pub mod args;

use ansible::{Contract, Locks, Module, Outcome, Run, Spec};
use reset::args::Args;
use reset::{Done, Reset, RunFiles, State};
use std::sync::Arc;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<AggressiveReset>();

struct AggressiveReset;

impl Contract for AggressiveReset {
    type Args = Args;
    type State = Arc<State>;
    type Plan = Reset;
    type Done = Done;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn locks(args: &Args) -> anyhow::Result<Locks> {
        Ok(vec![Box::new(reset::take_lock(args)?), Box::new(kubeadm::lock::take()?)])
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Arc<State>> {
        run.phase("looking at the node");
        reset::observe(args, RunFiles::Leftovers, &run.deadline).map(Arc::new)
    }

    fn plan(_: &Args, state: &Arc<State>) -> anyhow::Result<Reset> {
        Reset::of(state)
    }

    fn apply(_: &Args, plan: Reset, run: &Run, done: &mut Done) -> anyhow::Result<()> {
        plan.apply(&run.deadline, &|name| run.phase(name), done)
    }

    fn report(_: &Args, _: &Arc<State>, plan: &Reset, done: Option<&Done>) -> anyhow::Result<Outcome> {
        plan.report(done)
    }
}
