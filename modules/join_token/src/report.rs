//! The answer. Pure.

use crate::observe::State;
use crate::plan::Plan;
use ansible::Outcome;
use serde_json::json;
use std::time::UNIX_EPOCH;

/// What identifies the cluster, and the token with the options of a join where one was asked for.
pub fn outcome(state: &State, plan: &Plan, token: Option<String>) -> Outcome {
    let outcome = Outcome::new()
        .msg(plan.words())
        .field("control_plane_endpoint", &state.endpoint)
        .field("ca_cert_hashes", [&state.ca_cert_hash])
        .field("server_time", state.now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs());
    if matches!(plan, Plan::Delete(_) | Plan::Look) {
        return outcome;
    }
    outcome.field("token", &token).field(
        "join",
        json!({"control_plane_endpoint": state.endpoint, "token": token, "ca_cert_hashes": [state.ca_cert_hash]}),
    )
}
