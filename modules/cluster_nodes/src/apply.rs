//! The waiting.

use crate::args::Args;
use crate::observe;
use crate::plan::Plan;
use ansible::{Done, Run};
use std::time::{Duration, Instant};

/// Between two looks: what a look costs the API server is one list.
const EVERY: Duration = Duration::from_secs(2);

/// How long a Node that is not there is waited for: a kubelet registers its own within seconds of its start, and never
/// later, so one that was deleted comes back with no waiting.
const REGISTERS: Duration = Duration::from_secs(5);

/// What the last look showed.
#[derive(Debug, Default)]
pub struct Waited {
    /// The Nodes there are, and those that are still waited for.
    pub last: Plan,
    /// For how long they were.
    pub waited: Duration,
}

impl Done for Waited {
    fn is_change(&self) -> bool {
        false
    }
}

/// Looks again until nobody is waited for, or the time is over.
pub fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Waited) -> anyhow::Result<()> {
    *done = Waited { last: plan, waited: Duration::ZERO };
    let (mut told, began) = (String::new(), Instant::now());
    let comes = |done: &Waited| done.waited < REGISTERS || done.last.away.iter().any(|away| !away.missing);
    while !done.last.away.is_empty() && comes(done) && !run.deadline.expired() {
        let phase = done.last.phase(args);
        if phase != told {
            run.phase(&phase);
            told = phase;
        }
        run.deadline.pause(EVERY);
        done.waited = began.elapsed();
        // An API server that restarts meanwhile is asked again, as long as there is time.
        if let Ok(nodes) = observe::again(args, &run.deadline) {
            done.last = Plan::of(args, nodes);
        }
    }
    Ok(())
}
