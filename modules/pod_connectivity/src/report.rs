//! The matrix, and the sentence above it.

use crate::args::Args;
use crate::checked::Checked;
use crate::hop::Hop;
use crate::make::Made;
use ansible::{Failure, Outcome};
use serde_json::{Value, json};

/// The result; a failed task when a check failed and that is wanted.
pub(crate) fn outcome(args: &Args, checked: &Checked) -> anyhow::Result<Outcome> {
    let matrix: Vec<Value> = checked.rows.iter().map(|(made, hop)| row(made, hop.as_ref())).collect();
    let failures: Vec<Value> = matrix.iter().filter(|row| row["ok"] == false).cloned().collect();
    let msg = sentence(checked);
    let mut outcome = Outcome::new()
        .msg(&msg)
        .field("reachable", failures.is_empty() && !matrix.is_empty())
        .field("matrix", matrix)
        .field("failures", &failures)
        .field("pods", &checked.pods)
        .field("left_out", &checked.left_out);
    for warning in &checked.warnings {
        outcome.warn(warning);
    }
    if args.fail && !failures.is_empty() {
        return Err(Failure::new(msg).with(outcome).into());
    }
    Ok(outcome)
}

fn row(made: &Made, hop: Option<&Hop>) -> Value {
    let source = &made.source;
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

fn sentence(checked: &Checked) -> String {
    let rows = &checked.rows;
    let made = rows.iter().filter(|(made, _)| made.result.is_some()).count();
    let failed: Vec<_> = rows.iter().filter(|(made, _)| matches!(made.result, Some(Err(_)))).collect();
    match failed.first() {
        Some((first, hop)) => {
            let from = &first.source.name;
            let why = hop.as_ref().map(|hop| format!(" ({}: {})", hop.hop, hop.evidence)).unwrap_or_default();
            let (to, kind) = (&first.check.to, first.check.probe.kind());
            format!("{} of {made} checks failed; first {kind} from {from} to {to}{why}", failed.len())
        }
        None if checked.sources == 0 => {
            "no pod with a network of its own runs on this node: nothing was checked".into()
        }
        None => format!("{made} checks from {} pods passed", checked.sources),
    }
}
