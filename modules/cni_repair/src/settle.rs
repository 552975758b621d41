//! Looking until time has told which leases are stale.

use crate::args::Args;
use crate::observe::{State, observe};
use crate::signs;
use host::deadline::{Deadline, Look};
use std::time::Duration;

/// How long leases without a sandbox are watched; longer than it takes one to count as stale.
const SETTLED: Duration = Duration::from_secs(40);

/// What there is, looked at again while there are leases of which only time tells whether they are stale: seconds.
pub fn settled(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let limit = deadline.at_most(SETTLED);
    loop {
        let state = observe(args, deadline)?;
        if limit.expired() || !signs::has_young_leases(&state) {
            return Ok(state);
        }
        // A pod that is being made is listed within a second or two; one that is not never will.
        let next = deadline.at_most(Duration::from_secs(2));
        let _over = next
            .poll(Duration::from_secs(2), "young leases", || Ok::<_, anyhow::Error>(Look::<()>::NotYet(String::new())));
    }
}
