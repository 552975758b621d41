//! `stale_node`: on the control plane, removes the Node object of a worker that was wiped, so that it can join again.
//!
//! A name is no identity: two machines may have the same. The Node is deleted only when machine id and system UUID are
//! those of the machine that wants to join; anything else is refused, and a control plane always.

mod apply;
pub mod args;
mod observe;
mod plan;

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use std::time::Duration;

/// The API server is on this machine; a minute is for one that is restarting.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let deadline = Deadline::after(BUDGET);
    let node = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, node.as_ref())?;
    if !task.check_mode {
        apply::apply(&args, plan, &deadline)?;
    }
    Ok(plan::outcome(&args, node.as_ref(), plan))
}
