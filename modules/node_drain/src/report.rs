//! The answer.

use crate::apply::Drained;
use crate::args::{Args, Wanted};
use crate::observe::State;
use crate::plan::Plan;
use crate::pod::Pod;
use ansible::Outcome;

/// `there`, `evicted`, `kept` and `blocked`.
pub fn report(args: &Args, state: Option<&State>, plan: &Plan, done: Option<&Drained>) -> Outcome {
    let evicted = done.map_or_else(|| plan.evict.iter().map(Pod::id).collect(), |done| done.evicted.clone());
    let kept: Vec<String> =
        state.into_iter().flat_map(|state| &state.pods).filter(|pod| pod.stays()).map(Pod::id).collect();
    Outcome::new()
        .msg(words(args, state, plan))
        .field("node_name", &args.node_name)
        .field("there", state.is_some())
        .field("evicted", evicted)
        .field("kept", kept)
        .field("blocked", done.map_or(&plan.waiting, |done| &done.blocked))
}

fn words(args: &Args, state: Option<&State>, plan: &Plan) -> String {
    let name = &args.node_name;
    if state.is_none() {
        return format!("there is no Node {name}");
    }
    match (args.state, plan.evict.len()) {
        (Wanted::Drained, 0) => format!("Node {name} has no pod that has to leave it"),
        (Wanted::Drained, 1) => format!("Node {name} is drained: 1 pod leaves it"),
        (Wanted::Drained, n) => format!("Node {name} is drained: {n} pods leave it"),
        (Wanted::Cordoned, _) => format!("Node {name} gets no new pods"),
        (Wanted::Uncordoned, _) => format!("Node {name} gets new pods"),
    }
}
