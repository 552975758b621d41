//! The result: what Ansible, a play's end table and a human read.

use crate::args::Args;
use crate::attempt::Attempt;
use crate::decide::Tried;
use crate::observe::State;
use crate::phases::round;
use crate::plan::Plan;
use ansible::{Diff, Outcome};
use kubeadm::classify::{Action, Finding};
use kubeadm::gate::Method;
use kubeadm::own_node::Answer;
use kubeadm::{identity, time};
use serde_json::{Value, json};
use std::time::SystemTime;

/// What is known before anything is done; in check mode and for a joined node this is all.
pub fn planned(args: &Args, state: &State, plan: &Plan) -> Outcome {
    let to = target(args);
    let steps: Vec<&str> = match plan {
        Plan::Mend(steps) => steps.iter().map(|step| step.words()).collect(),
        _ => Vec::new(),
    };
    let msg = match plan {
        Plan::Nothing => well(state),
        Plan::Mend(_) => format!("{} is joined, to be mended: {}", state.node_name, steps.join(", ")),
        Plan::Join { .. } => {
            let again = state.expired().map(|when| format!(" again: {}, is to be replaced", expired(when)));
            format!("{} is to join {to}{}", state.node_name, again.unwrap_or_default())
        }
    };
    let mut outcome = Outcome::new()
        .msg(msg)
        .field("node_name", &state.node_name)
        // For deleting a stale Node of this machine, and no other's.
        .field("machine_id", identity::machine_id())
        .field("system_uuid", identity::system_uuid())
        .field("joined", !matches!(plan, Plan::Join { .. }))
        .field("kubeadm_version", state.kubeadm.map(|version| version.to_string()))
        .field("endpoint", &to)
        // There whatever is done, so that a play may count on them.
        .field("attempts", Vec::<Value>::new())
        .field("steps", steps);
    if let Some(Answer::Unknown(why)) = &state.registered {
        outcome.warn(format!("whether the cluster has this machine's Node could not be asked: {why}"));
    }
    if state.unit.foreign_mask() {
        outcome.warn(format!("{} had been masked by somebody else; a join has to unmask it", state.unit.name));
    }
    outcome
}

/// What `--diff` shows: the node as it is and as it is to be.
pub fn diff(args: &Args, state: &State, plan: &Plan) -> Vec<Diff> {
    let after = match plan {
        Plan::Nothing => return Vec::new(),
        Plan::Mend(steps) => steps.iter().map(|step| format!("{}\n", step.words())).collect(),
        Plan::Join { leftovers } => {
            let clean = match (state.expired(), leftovers) {
                (Some(when), _) => format!("remove {}\n", expired(when)),
                (None, true) => "remove credentials of a join that broke off\n".to_owned(),
                (None, false) => String::new(),
            };
            format!("{clean}join {}\n", target(args))
        }
    };
    vec![Diff::new(&state.node_name, describe(state), after)]
}

fn expired(when: SystemTime) -> String {
    format!("the kubelet's client certificate, which expired on {}", time::words(when))
}

/// Joined and healthy is said only where the API has this machine's Node.
fn well(state: &State) -> String {
    match &state.registered {
        Some(Answer::Node(_)) => format!("{} is joined and healthy", state.node_name),
        _ => format!("{} is joined and its kubelet is healthy; its Node was not seen", state.node_name),
    }
}

/// The cluster, in words.
pub fn target(args: &Args) -> String {
    match (args.endpoint(), &args.discovery_file) {
        (Some(endpoint), _) => endpoint.to_string(),
        (None, Some(file)) => format!("the cluster of {file}"),
        (None, None) => "the cluster".into(),
    }
}

fn describe(state: &State) -> String {
    let conf = match &state.conf {
        None => "none".to_owned(),
        Some(Ok(conf)) => conf.server.clone(),
        Some(Err(_)) => "unreadable".into(),
    };
    let held = match state.unit.held() {
        Method::None => "no",
        other => other.name(),
    };
    format!("cluster: {conf}\nkubelet: {}\nheld back: {held}\n", state.kubelet.active)
}

/// One attempt, as an item of `attempts`.
pub fn attempt(attempt: &Attempt, remedy: &[String], log: Option<&str>) -> Value {
    let mut item = json!({
        "seconds": round(attempt.seconds),
        "exit_status": attempt.exit,
        "phases": attempt.phases,
        "log": log,
        "remedy": remedy,
    });
    if let Some(first) = attempt.findings.first() {
        let others: Vec<&str> = attempt.findings[1..].iter().map(|finding| finding.class().name()).collect();
        item["failure_class"] = json!(first.class().name());
        item["evidence"] = json!(first.evidence);
        item["other_classes"] = json!(others);
    }
    item
}

/// The fields that say what went wrong and what now.
pub fn verdict(args: &Args, finding: &Finding) -> Vec<(&'static str, Value)> {
    vec![
        ("failure_class", json!(finding.class().name())),
        ("evidence", json!(finding.evidence)),
        ("explanation", json!(finding.explanation())),
        ("help", json!(finding.row.help())),
        ("next_action", json!(next_action(args, finding))),
        ("retry_safe", json!(finding.row.retry_safe)),
    ]
}

/// What whoever called is to do now; what this module could do itself it has done.
fn next_action(args: &Args, finding: &Finding) -> &'static str {
    match (finding.row.action, args.on_node_conflict) {
        (Action::ResolveNode, crate::args::OnConflict::Delete) => "delete_node",
        (action, _) => action.name(),
    }
}

/// The sentence of a failed task.
pub fn sentence(args: &Args, state: &State, finding: &Finding, attempts: usize) -> String {
    let tries = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    format!(
        "joining {} to {} ({tries}): {}: {} (see {})",
        state.node_name,
        target(args),
        finding.explanation(),
        finding.evidence,
        finding.row.help()
    )
}

/// The cause as an entry of the history.
pub fn tried(attempt: &Attempt, seconds: f64) -> Option<Tried> {
    attempt.findings.first().map(|finding| Tried { row: finding.row, seconds })
}
