//! The step, done.

use crate::observe::State;
use crate::plan::{Plan, Step};
use host::deadline::Deadline;
use host::systemd;
use kubeadm::gate;

/// Does what the plan says.
pub fn apply(plan: &Plan, state: &State, deadline: &Deadline) -> anyhow::Result<()> {
    match plan.step {
        Step::Nothing => Ok(()),
        Step::Hold => gate::hold(&state.unit, deadline).map(drop),
        Step::Stop => systemd::stop(&state.unit.name, deadline),
        Step::Release => gate::release(&state.unit, deadline),
    }
}
