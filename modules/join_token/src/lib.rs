//! `join_token`: on a control plane, a short-lived bootstrap token with the other parameters of a join, or none of ours;
//! or the parameters alone, without any token.
//!
//! kubeadm makes the token, so that it stands in no argument list; it comes back only in the result, which the task that
//! runs this must keep from being shown with `no_log: true`. Other people's tokens are neither used nor deleted.

mod apply;
pub mod args;
mod observe;
mod plan;
mod signed;

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use plan::Plan;
use serde_json::json;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The API server is on this machine; a minute is for one that is restarting.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    let limits = args.validate()?;
    let deadline = Deadline::after(BUDGET);
    let state = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, &limits, &state, SystemTime::now());
    let token = if task.check_mode { plan.reused() } else { apply::apply(&args, &plan, &deadline)? };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let outcome = Outcome::new()
        .changed(plan.is_change())
        .msg(plan.words())
        .field("control_plane_endpoint", &state.endpoint)
        .field("ca_cert_hashes", [&state.ca_cert_hash])
        .field("server_time", now);
    Ok(match (&plan, token) {
        (Plan::Delete(_) | Plan::Look, _) => outcome,
        (_, token) => {
            let secret = token.as_deref().and_then(|token| token.split_once('.')).map_or("", |(_, secret)| secret);
            outcome.secret(token.as_deref().unwrap_or_default()).secret(secret).field("token", &token).field(
                "join",
                json!({"control_plane_endpoint": state.endpoint, "token": token, "ca_cert_hashes": [state.ca_cert_hash]}),
            )
        }
    })
}
