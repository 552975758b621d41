//! Whether sandboxes of our own are needed. Pure.

use crate::args::Args;
use crate::checked::Checked;
use crate::observe::State;

/// Two, so that one can reach the other.
pub const ENOUGH: usize = 2;

/// Which sandboxes are made to check from, for the time of the checks.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many; none where enough pods run.
    pub(crate) sandboxes: usize,
    /// The node that they are on.
    pub(crate) node: State,
    /// What pods have checked already.
    pub(crate) before: Checked,
}

impl Plan {
    /// Decides.
    pub(crate) fn of(args: &Args, node: &State, before: &Checked) -> Plan {
        let missing = ENOUGH.saturating_sub(node.pods.len());
        let sandboxes = if args.temporary_sandbox { missing } else { 0 };
        Plan { sandboxes, node: node.clone(), before: before.clone() }
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.sandboxes == 0
    }

    // They are gone afterwards.
    fn is_change(&self) -> bool {
        false
    }
}
