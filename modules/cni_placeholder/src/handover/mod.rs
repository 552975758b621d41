//! The hand-over: from the placeholder to the real network, once that is there.
//!
//! containerd loads the first file by name only, so while the placeholder is there every pod of this node gets an address
//! of the placeholder's network, which every other node hands out too. So the file goes, and with it everything that was
//! made from it: the pods' attachments (by CNI DEL with the configuration they were made with), the sandboxes (kubelet
//! makes them anew on the real network), the bridge, the address leases. Pods of the real network are left alone.

pub mod apply;
pub mod cache;
pub mod observe;
pub mod plan;

use crate::args::Args;
use ansible::{Outcome, Task};
use host::deadline::Deadline;
use std::time::Duration;

/// Waits for the real configuration, plans, and unless in check mode hands over.
pub fn run(args: &Args, task: &Task) -> anyhow::Result<Outcome> {
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    task.phase("waiting for the real CNI configuration");
    let state = observe::observe(args, task.check_mode, &deadline)?;
    let plan = plan::plan(args, &state);
    if !task.check_mode {
        task.phase("handing over to the real CNI");
        apply::apply(args, &plan, &deadline)?;
    }
    Ok(plan.outcome())
}
