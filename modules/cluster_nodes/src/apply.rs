//! The waiting.

use crate::args::Args;
use crate::node::Node;
use crate::observe;
use crate::plan::{Away, Plan};
use ansible::{Done, Run};
use std::time::Duration;

/// Between two looks: what a look costs the API server is one list.
const EVERY: Duration = Duration::from_secs(2);

/// What the last look showed.
#[derive(Debug, Default)]
pub struct Waited {
    /// The Nodes there are.
    pub nodes: Vec<Node>,
    /// Those that are still waited for.
    pub away: Vec<Away>,
}

impl Done for Waited {
    fn is_change(&self) -> bool {
        false
    }
}

/// Looks again until nobody is waited for, or the time is over.
pub fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Waited) -> anyhow::Result<()> {
    *done = Waited { nodes: plan.nodes, away: plan.away };
    let mut told = String::new();
    while !done.away.is_empty() && !run.deadline.expired() {
        let phase = Plan::phase(args, &done.nodes, &done.away);
        if phase != told {
            run.phase(&phase);
            told = phase;
        }
        run.deadline.pause(EVERY);
        // An API server that restarts meanwhile is asked again, as long as there is time.
        if let Ok(nodes) = observe::again(args, &run.deadline) {
            let plan = Plan::of(args, &nodes);
            *done = Waited { nodes, away: plan.away };
        }
    }
    Ok(())
}
