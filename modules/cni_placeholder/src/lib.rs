//! A CNI configuration is there before containerd starts, and never stands in front of a working one.
//!
//! `args -> observe -> plan -> apply`: the plan is pure, check mode stops before `apply`.

pub mod apply;
pub mod args;
pub mod handover;
pub mod observe;
pub mod plan;
pub mod template;

use ansible::{Outcome, Params, Task};

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = args::Args::from_params(params)?;
    if args.state == args::State::Handover {
        return handover::run(&args, task);
    }
    let state = observe::observe(&args)?;
    let plan = plan::plan(&args, &state);
    if !task.check_mode {
        apply::apply(&plan)?;
    }
    Ok(plan.outcome(&args))
}
