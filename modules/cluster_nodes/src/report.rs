//! The answer. Pure.

use crate::apply::Waited;
use crate::plan::Plan;
use ansible::{Failure, Outcome};
use serde_json::json;
use std::time::Duration;

/// What a look showed.
pub fn outcome(Plan { nodes, away }: &Plan) -> Outcome {
    let ready = nodes.iter().filter(|node| node.ready).count();
    let not_ready: Vec<_> = away.iter().map(|away| json!({"name": away.name, "reason": away.reason})).collect();
    Outcome::new()
        .msg(format!("{ready} of {} nodes are Ready", nodes.len()))
        .field("nodes", nodes)
        .field("not_ready", not_ready)
}

/// What the waiting came to: the result, or the failure, which has the same fields.
pub fn verdict(waited: &Waited) -> anyhow::Result<Outcome> {
    let outcome = outcome(&waited.last);
    let away = &waited.last.away;
    if away.is_empty() {
        return Ok(outcome);
    }
    let each: Vec<String> = away.iter().map(|away| format!("{} ({})", away.name, away.reason)).collect();
    Err(Failure::new(format!("not Ready after {} s: {}", seconds(waited.waited), each.join("; "))).with(outcome).into())
}

/// To the nearest: a look that ends just before the time is over is the last one.
fn seconds(waited: Duration) -> f64 {
    waited.as_secs_f64().round()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests::{args, node};

    #[test]
    fn the_failure_names_each_with_its_reason_and_has_the_fields_of_the_answer() {
        let args = args(&["a", "c"]);
        let last = Plan::of(&args, vec![node("a", false)]);
        assert_eq!(last.phase(&args), "0 of 2 nodes are Ready, waiting for a, c");
        let error = verdict(&Waited { last, waited: Duration::from_millis(3990) }).unwrap_err().to_string();
        assert_eq!(error, "not Ready after 4 s: a (no network); c (the cluster has no Node of this name)");
    }
}
