//! The matrix, and the sentence above it.

use crate::apply::Made;
use crate::args::Args;
use crate::hop::{self, Facts, Hop};
use crate::observe::State;
use crate::plan::Plan;
use ansible::{Failure, Outcome};
use serde_json::{Value, json};

/// The result; a failed task when a check failed and that is wanted.
pub(crate) fn outcome(
    args: &Args,
    state: &State,
    plan: &Plan,
    made: &[Made],
    facts: Option<&Facts>,
    warnings: Vec<String>,
) -> anyhow::Result<Outcome> {
    let hop = |made: &Made| {
        let Some(Err(fault)) = &made.result else { return None };
        Some(hop::find(facts?, plan.sources[made.source].ip, &made.check, fault))
    };
    let rows: Vec<(&Made, Option<Hop>)> = made.iter().map(|made| (made, hop(made))).collect();
    let matrix: Vec<Value> = rows.iter().map(|(made, hop)| row(plan, made, hop.as_ref())).collect();
    let failures: Vec<Value> = matrix.iter().filter(|row| row["ok"] == false).cloned().collect();
    let msg = sentence(plan, &rows);
    let mut outcome = Outcome::new()
        .msg(&msg)
        .field("reachable", failures.is_empty() && !matrix.is_empty())
        .field("matrix", matrix)
        .field("failures", &failures)
        // A pod of ours is gone when the next node reads this.
        .field("pods", state.pods.iter().filter(|pod| !pod.temporary).collect::<Vec<_>>())
        .field("left_out", &plan.left_out);
    for warning in warnings {
        outcome.warn(warning);
    }
    if args.fail && !failures.is_empty() {
        return Err(Failure::new(msg).with(outcome).into());
    }
    Ok(outcome)
}

fn row(plan: &Plan, made: &Made, hop: Option<&Hop>) -> Value {
    let source = &plan.sources[made.source];
    let mut row = json!({
        "from": source.name, "from_ip": source.ip, "to": made.check.to, "to_ip": made.check.probe.address(),
        "place": made.check.place.name(), "check": made.check.probe.kind(),
    });
    match &made.result {
        None => row["skipped"] = json!("this node itself does not reach it"),
        Some(Ok(time)) => {
            row["ok"] = json!(true);
            row["ms"] = json!((time.as_secs_f64() * 1e5).round() / 100.0);
        }
        Some(Err(fault)) => {
            row["ok"] = json!(false);
            row["error"] = json!(fault.to_string());
            if let Some(hop) = hop {
                row["hop"] = json!(hop.hop);
                row["evidence"] = json!(hop.evidence);
                row["remedy"] = json!(hop.remedy);
            }
        }
    }
    row
}

fn sentence(plan: &Plan, rows: &[(&Made, Option<Hop>)]) -> String {
    let made = rows.iter().filter(|(made, _)| made.result.is_some()).count();
    let failed: Vec<_> = rows.iter().filter(|(made, _)| matches!(made.result, Some(Err(_)))).collect();
    match failed.first() {
        Some((first, hop)) => {
            let from = &plan.sources[first.source].name;
            let why = hop.as_ref().map(|hop| format!(" ({}: {})", hop.hop, hop.evidence)).unwrap_or_default();
            let (to, kind) = (&first.check.to, first.check.probe.kind());
            format!("{} of {made} checks failed; first {kind} from {from} to {to}{why}", failed.len())
        }
        None if plan.sources.is_empty() => {
            "no pod with a network of its own runs on this node: nothing was checked".into()
        }
        None => format!("{made} checks from {} pods passed", plan.sources.len()),
    }
}
