//! The plan, with the node as it was when it was made.

use crate::observe::State;
use crate::plan::Plan;
use crate::took::Took;
use ansible::Diff;
use std::sync::Arc;

/// What is done.
#[derive(Clone)]
pub struct Work {
    /// What the node needs.
    pub plan: Plan,
    /// The node before it.
    pub node: Arc<State>,
    /// Where the seconds have gone so far.
    pub took: Took,
    /// As `--diff` shows it.
    pub diff: Vec<Diff>,
}

impl ansible::Plan for Work {
    fn is_empty(&self) -> bool {
        self.plan == Plan::Nothing
    }

    fn diff(&self) -> Vec<Diff> {
        self.diff.clone()
    }
}
