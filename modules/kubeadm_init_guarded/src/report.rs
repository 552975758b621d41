//! The answer.

use crate::observe::State;
use crate::plan::{Plan, Work};
use ansible::Outcome;

/// What was done.
#[derive(Debug, Default)]
pub struct Done {
    /// kubeadm was begun, or the kubelet released.
    pub changed: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// kubeadm's words, redacted; none before it ran.
    pub stdout: Option<String>,
    /// As `stdout`.
    pub stderr: Option<String>,
    /// What there is now.
    pub made: Option<Made>,
}

/// A control plane.
#[derive(Debug)]
pub struct Made {
    /// `host:port`.
    pub endpoint: Option<String>,
    /// `sha256:<hex>`.
    pub ca_cert_hash: Option<String>,
}

impl ansible::Done for Done {
    fn is_change(&self) -> bool {
        self.changed
    }
}

/// What was found, and over it what was made.
pub fn outcome(state: &State, plan: &Plan, done: Option<&Done>) -> Outcome {
    let mut outcome = Outcome::new()
        .msg(match plan.work {
            Work::Nothing => "the control plane is there and healthy",
            Work::Release => "the control plane is there and healthy; its kubelet is no longer held back",
            Work::Finish => "the control plane is healthy, and its initialisation is to be finished",
            Work::Init => "this machine is to become the first control plane",
        })
        .field("node_name", &state.node_name)
        .field("kubeadm_version", state.kubeadm.map(|version| version.to_string()))
        .field("control_plane_endpoint", state.admin.as_ref().map(|admin| admin.endpoint().to_owned()))
        .field("ca_cert_hash", &state.ca_cert_hash);
    let Some(done) = done else { return outcome };
    for warning in &done.warnings {
        outcome.warn(warning);
    }
    for (name, text) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
        if let Some(text) = text {
            outcome.set(name, text);
        }
    }
    match &done.made {
        None => outcome,
        Some(made) => outcome
            .msg("this machine is the first control plane now")
            .field("control_plane_endpoint", &made.endpoint)
            .field("ca_cert_hash", &made.ca_cert_hash),
    }
}
