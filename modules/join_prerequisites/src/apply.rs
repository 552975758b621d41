//! Mends, and checks again: what was mended is well only when its check says so.

use crate::args::Args;
use crate::plan::Plan;
use host::deadline::Deadline;
use prerequisites::checks::{self, Check};
use prerequisites::{mend, observe};

/// What was done.
#[derive(Debug, Default)]
pub struct Mended {
    /// What was changed, in words.
    pub steps: Vec<String>,
    /// What could not be mended, in words.
    pub failed: Vec<String>,
    /// The checks afterwards.
    pub checks: Vec<Check>,
}

impl ansible::Done for Mended {
    // What was found wrong and could not be mended after all is no change.
    fn is_change(&self) -> bool {
        !self.steps.is_empty()
    }
}

/// One that cannot be mended keeps none of the others from it: the checks tell in the end what is left.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline, done: &mut Mended) {
    for fix in plan.fixes {
        if let Err(error) = mend::apply(fix, &args.join.cri_socket, deadline, &mut done.steps) {
            done.failed.push(format!("{}: {error:#}", fix.words()));
        }
    }
    done.checks = checks::all(&args.join, &observe::observe(&args.join, deadline));
}
