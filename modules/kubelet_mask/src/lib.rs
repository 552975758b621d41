//! `kubelet_mask`: hold the kubelet back until kubeadm has written its configuration, or let it go.
//!
//! The means are in `kubeadm::gate`, which the join shares. This module refuses to stop a kubelet that serves a cluster.

mod apply;
pub mod args;
mod observe;
mod plan;

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use std::time::Duration;

/// Longer than systemd's own limit for stopping a unit.
const BUDGET: Duration = Duration::from_secs(120);

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let deadline = Deadline::after(BUDGET);
    let state = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, &state);
    if !task.check_mode {
        apply::apply(&plan, &state, &deadline)?;
    }
    let mut outcome = Outcome::new()
        .changed(plan.step != plan::Step::Nothing)
        .diff(plan.diff(&state))
        .field("unit", &args.unit)
        .field("method", plan.method.name())
        .field("masked", plan.method != kubeadm::gate::Method::None)
        .field("enablement", state.unit.remembered.as_deref().unwrap_or(&state.unit.file_state))
        .msg(plan.why);
    for warning in plan.warnings {
        outcome.warn(warning);
    }
    Ok(outcome)
}
