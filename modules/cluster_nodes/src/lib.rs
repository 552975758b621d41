//! `cluster_nodes`: on a control plane, waits until Nodes are Ready, and says which are not and why.
//!
//! It changes nothing. In check mode it looks once and does not wait; nodes that are not Ready are then no failure, because
//! what would have brought them in was only announced.

pub mod args;
mod node;
mod observe;
mod report;

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use std::time::{Duration, Instant};

/// How long a Node that is not there is waited for: a kubelet registers its own within seconds of its start, and never
/// later, so one that was deleted comes back with no waiting.
const REGISTERS: Duration = Duration::from_secs(5);
/// Between two looks: what a look costs the API server is one list.
const EVERY: Duration = Duration::from_secs(2);

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let (deadline, began) = (Deadline::after(args.budget()), Instant::now());
    let mut nodes = observe::first(&args, &deadline)?;
    let mut told = String::new();
    loop {
        let away = report::away(&args, &nodes);
        let deleted = away.iter().all(|away| away.missing) && began.elapsed() >= REGISTERS;
        if away.is_empty() || deleted || task.check_mode || deadline.expired() {
            return report::outcome(&nodes, &away, began.elapsed(), task.check_mode);
        }
        let phase = report::phase(&args, &nodes, &away);
        if phase != told {
            task.phase(&phase);
            told = phase;
        }
        deadline.pause(EVERY);
        // An API server that restarts meanwhile is asked again, as long as there is time.
        nodes = observe::again(&args, &deadline).unwrap_or(nodes);
    }
}
