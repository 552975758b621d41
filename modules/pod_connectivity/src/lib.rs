//! Proof from inside existing pods that they reach each other, the cluster's DNS and the outside; and when they do not,
//! which hop it is.
//!
//! `args -> observe -> plan -> apply`: the plan is pure. Nothing is changed, but for sandboxes that are gone afterwards.

pub mod apply;
pub mod args;
pub mod hop;
pub mod observe;
pub mod plan;
pub mod probe;
mod report;
mod rounds;
mod sandbox;
pub mod target;

use ansible::{Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

/// Two, so that one can reach the other.
const ENOUGH: usize = 2;

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = Args::from_params(params)?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    task.phase("looking for pods");
    let state = observe::observe(&args, &deadline)?;
    let missing = ENOUGH.saturating_sub(state.pods.len());
    task.phase("checking");
    let checked = match missing > 0 && args.temporary_sandbox && !task.check_mode {
        true => rounds::from_sandboxes(&args, &state, missing, &deadline)?,
        false => rounds::from_pods(&args, &state, &deadline)?,
    };
    report::outcome(&args, &checked)
}
