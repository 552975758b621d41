//! The step, done.

use crate::plan::{Plan, Step};
use ansible::Steps;
use host::deadline::Deadline;
use host::systemd;
use kubeadm::gate;

/// Does what the plan says.
pub fn apply(plan: Plan, deadline: &Deadline, done: &mut Steps) -> anyhow::Result<()> {
    let unit = plan.unit;
    match plan.step {
        Step::Nothing => return Ok(()),
        Step::Hold => gate::hold(&unit, deadline).map(drop)?,
        Step::Stop => systemd::stop(&unit.name, deadline)?,
        Step::Release => gate::release(&unit, deadline)?,
    }
    done.did(plan.why);
    Ok(())
}
