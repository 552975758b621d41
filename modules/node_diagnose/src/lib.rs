//! What is wrong with a node, what it comes from, and what mends it. Read-only.
//!
//! `args -> observe -> judge -> report`: a house module without plan and apply, because it changes nothing. It works when
//! containerd or the API server are down: what cannot be looked at is named and passed over.

pub mod args;
pub mod finding;
pub mod judge;
pub mod kinds;
pub mod metrics;
pub mod observe;
pub mod report;

use ansible::{Outcome, Params, Task};
use finding::{Finding, primary};
use host::deadline::Deadline;
use std::time::{SystemTime, UNIX_EPOCH};

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = args::Args::from_params(params)?;
    task.phase("looking at the node");
    let facts = observe::observe(&args, &Deadline::after(args.timeout()));
    let findings = judge::judge(&facts);
    let first = primary(&findings);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let msg = match first {
        None => std::iter::once("nothing is wrong with this node".to_owned())
            .chain(finding::notices(&findings).map(|notice| format!("to plan for: {}", notice.kind.title)))
            .collect::<Vec<_>>()
            .join("; "),
        Some(first) => first.sentence(),
    };
    Ok(Outcome::new()
        .msg(msg)
        .field("healthy", first.is_none())
        .field("joined", facts.joined())
        .field("primary_cause", first.map(Finding::to_json))
        .field("findings", findings.iter().map(Finding::to_json).collect::<Vec<_>>())
        .field("passed_over", &facts.passed_over)
        .field("seen", report::seen(&facts))
        .field("report", report::markdown(&facts, &findings))
        .field("metrics", metrics::text(&findings, now)))
}
