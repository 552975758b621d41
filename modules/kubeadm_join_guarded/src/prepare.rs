//! Before the first attempt: the prerequisites, and those mended that are safe to mend.
//!
//! What cannot be mended here does not stop the join: kubeadm has its own checks and the user may have told it to ignore
//! some. It is told with a failure, where it is often the explanation.

use crate::args::Args;
use host::deadline::Deadline;
use join_prerequisites::args::{Args as Wanted, FailOn, Scope, Swap};
use join_prerequisites::checks::{self, Check, Status};
use join_prerequisites::observe::Asked;
use join_prerequisites::{fix, observe};

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
    observe::ask(&wanted(args), deadline)
}

/// Nothing is asked of the cluster: discovery does that.
fn wanted(args: &Args) -> Wanted {
    Wanted {
        control_plane_endpoint: args.control_plane_endpoint.clone(),
        ask_cluster: false,
        ca_cert_hashes: Vec::new(),
        token_id: None,
        control_plane_version: None,
        cri_socket: args.cri_socket.clone(),
        node_name: args.node_name.clone(),
        fix: true,
        scope: Scope::All,
        swap: Swap::Keep,
        pod_cidrs: Vec::new(),
        fail_on: FailOn::Never,
    }
}

/// Looks at this node, and mends.
pub fn prepare(args: &Args, asked: Asked, deadline: &Deadline) -> Prepared {
    let wanted = wanted(args);
    let mut prepared = Prepared::default();
    let checks = checks::all(&wanted, &observe::learn(&wanted, asked, deadline));
    // Only what would fail: a join is no occasion to change what merely could be better.
    let failing: Vec<Check> = checks.iter().filter(|check| check.status == Status::Fail).cloned().collect();
    for fix in fix::wanted(&failing) {
        match fix::apply(fix, &args.cri_socket, deadline) {
            Ok(done) => prepared.steps.extend(done),
            Err(e) => prepared.warnings.push(format!("{}: {e:#}", fix.words())),
        }
    }
    prepared.complaints = checks.into_iter().filter(|check| check.status != Status::Ok).collect();
    prepared
}
