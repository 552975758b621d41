//! The answer.

use crate::plan::Plan;
use ansible::Outcome;

/// `differences` and `net_conf`.
pub fn report(plan: &Plan) -> Outcome {
    let msg = match plan.differences.len() {
        0 => "flannel is as it should be".to_owned(),
        n => format!("{n} of flannel's objects differ"),
    };
    Outcome::new().msg(msg).field("differences", &plan.differences).field("net_conf", &plan.net_conf)
}
