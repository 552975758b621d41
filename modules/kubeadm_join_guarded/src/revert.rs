//! Leaves the node as it was before the join.

use crate::config_file;
use crate::leftovers::{self, Snapshot};
use crate::observe::UNIT;
use host::deadline::Deadline;
use host::{files, systemd};
use kubeadm::gate;
use std::time::Duration;

/// It must not fail because the join took all the time.
pub const BUDGET: Duration = Duration::from_secs(20);

/// No configuration with a token, no gate, no kubelet that tries in vain.
pub fn revert(snapshot: Option<&Snapshot>, was_running: bool) {
    let deadline = Deadline::after(BUDGET);
    // Each step is tried, whatever became of the one before; the next run finds and undoes what could not be undone.
    let _ = files::delete_file(config_file::path());
    let _ = leftovers::remove_bootstrap();
    let _ = snapshot.map(|snapshot| snapshot.undo(&deadline));
    let _ = gate::lift(UNIT, &deadline);
    if !was_running {
        let _ = systemd::stop(UNIT, &deadline);
    }
}
