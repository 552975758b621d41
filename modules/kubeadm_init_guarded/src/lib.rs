//! `kubeadm_init_guarded`: makes this machine the first control plane of a cluster, once.
//!
//! A control plane that is there and healthy is left alone; one that is there and not healthy is never initialised over:
//! its etcd holds somebody's cluster. A half-made one is refused with the way out.

mod apply;
pub mod args;
mod config;
mod crashed;
mod observe;
mod plan;
mod settings;

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let deadline = Deadline::after(args.budget());
    let state = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, &state)?;
    let outcome = plan::outcome(&state, &plan);
    if task.check_mode {
        return Ok(outcome);
    }
    apply::apply(&args, &state, &plan, outcome, task, &deadline)
}
