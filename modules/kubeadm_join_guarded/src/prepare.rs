//! Before the first attempt: the prerequisites, and those mended that are safe to mend.
//!
//! What cannot be mended here does not stop the join: kubeadm has its own checks and the user may have told it to ignore
//! some. It is told with a failure, where it is often the explanation.

use crate::args::Args;
use host::deadline::Deadline;
use prerequisites::checks::{self, Check, Status};
use prerequisites::observe::Asked;
use prerequisites::planned::{PlannedJoin, Scope, Swap};
use prerequisites::{mend, observe};

/// What was found, and what was done about it.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The checks that are not well.
    pub complaints: Vec<Check>,
    /// What was mended, in words.
    pub steps: Vec<String>,
    /// What could not be mended, in words.
    pub warnings: Vec<String>,
}

/// Asks what takes long, in the background.
pub fn ask(args: &Args, deadline: &Deadline) -> Asked {
    observe::ask(&planned(args), deadline)
}

/// Nothing is asked of the cluster: discovery does that.
fn planned(args: &Args) -> PlannedJoin {
    PlannedJoin {
        control_plane_endpoint: args.control_plane_endpoint.clone(),
        ask_cluster: false,
        ca_cert_hashes: Vec::new(),
        token_id: None,
        control_plane_version: None,
        cri_socket: args.cri_socket.clone(),
        node_name: args.node_name.clone(),
        scope: Scope::All,
        swap: Swap::Keep,
        pod_cidrs: Vec::new(),
    }
}

/// Looks at this node, and mends.
pub fn prepare(args: &Args, asked: Asked, deadline: &Deadline) -> Prepared {
    let join = planned(args);
    let mut prepared = Prepared::default();
    let checks = checks::all(&join, &observe::learn(&join, asked, deadline));
    // Only what would fail: a join is no occasion to change what merely could be better.
    for fix in checks::fixes(checks.iter().filter(|check| check.status == Status::Fail)) {
        if let Err(e) = mend::apply(fix, &args.cri_socket, deadline, &mut prepared.steps) {
            prepared.warnings.push(format!("{}: {e:#}", fix.words()));
        }
    }
    prepared.complaints = checks.into_iter().filter(|check| check.status != Status::Ok).collect();
    prepared
}
