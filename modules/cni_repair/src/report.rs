//! The answer. Pure.

use crate::apply::Mended;
use crate::observe::State;
use crate::repair::Repair;
use ansible::Outcome;

/// What was wrong, and what was done about it or would be.
pub fn report(state: &State, repair: &Repair, done: Option<&Mended>) -> Outcome {
    let (findings, plan) = (&repair.findings, &repair.plan);
    let msg = match (findings.first(), &state.network) {
        (Some(first), _) if findings.len() == 1 => format!("{}: {}", first.id, first.evidence),
        (Some(first), _) => format!("{} findings, first {}: {}", findings.len(), first.id, first.evidence),
        (None, Some(network)) => format!("the pod network of this node ({}) is as it has to be", network.name),
        (None, None) => "the network of this node makes no bridge: there is nothing to mend here".to_owned(),
    };
    let subnet = state.subnet.as_ref();
    let mut outcome = Outcome::new()
        .msg(msg)
        .field("healthy", findings.is_empty())
        .field("findings", findings)
        .field("steps", done.map_or_else(|| plan.describe(), |done| done.steps.clone()))
        .field("left", &plan.left)
        .field("pod_cidr", subnet.map(|subnet| subnet.network.to_string()))
        .field("pod_cidr_source", subnet.map(|subnet| &subnet.source))
        .field("bridge", state.network.as_ref().map(|network| &network.bridge));
    if let Some(done) = done {
        outcome.set("backup", done.backup.as_ref().and_then(|backup| backup.made()));
    }
    outcome
}
