//! flannel as the cluster needs it: rendered from options and from the cluster itself, compared with what is there, rolled
//! out node by node, and put back when the rollout fails.

pub mod apply;
pub mod args;
pub mod compare;
pub mod manifest;
pub mod observe;
pub mod plan;
mod pods;
mod release;

use ansible::{Outcome, Params, Task};
use host::deadline::Deadline;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = args::Args::from_params(params)?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    task.phase("reading the cluster");
    let state = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, &state)?;
    if !task.check_mode {
        task.phase("rolling out flannel");
        apply::apply(&args, &plan, &deadline)?;
    }
    Ok(plan.outcome())
}
