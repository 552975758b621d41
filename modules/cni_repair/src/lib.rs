//! The pod bridge of a joined node, mended: missing, down, with an address of another network, with pods that hang in
//! the air, with stale address leases, or made from a placeholder that was never handed over.
//!
//! `args -> observe -> findings -> plan -> apply`: findings and plan are pure, and check mode stops before `apply`. What
//! can be mended under running pods is; pods are recreated only when their own addresses are wrong.

pub mod ahead;
pub mod apply;
pub mod args;
pub mod findings;
mod flannel;
pub mod observe;
pub mod plan;
mod rebuild;
pub mod results;
pub mod signs;
pub mod step;
pub mod subnet;

use ansible::{Failure, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = Args::from_params(params)?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    task.phase("looking at the pod network");
    let state = observe::settled(&args, &deadline)?;
    let findings = findings::findings(&state);
    let plan = plan::plan(&args, &state, &findings);
    let mut outcome = plan.outcome(&state, &findings);
    if task.check_mode || plan.steps.is_empty() {
        return Ok(outcome);
    }
    match apply::apply(&args, &state, &plan, task, &deadline) {
        Ok(backup) => {
            outcome.set("backup", backup);
            Ok(outcome)
        }
        Err(error) => Err(Failure::new(format!("{error:#}")).with(outcome).into()),
    }
}
