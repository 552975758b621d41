//! The answer.

use crate::apply::Upgraded;
use crate::args::Args;
use crate::journal::COPIES;
use crate::observe::State;
use crate::plan::{Plan, toward};
use ansible::Outcome;

/// `from`, `to`, `steps` and what they did to pods and the Node.
pub fn report(args: &Args, state: &State, plan: &Plan, done: Option<&Upgraded>) -> Outcome {
    let mut outcome = Outcome::new().msg(words(args, state, plan, done));
    let (from, to) = match (state, &plan.upgrade) {
        (State::Unfinished(unfinished), _) => (unfinished.0.from.text.clone(), unfinished.0.to.text.clone()),
        (State::Found(found), Some(_)) => (found.version.text.clone(), found.offer.version.text.clone()),
        (State::Found(found), None) => (found.version.text.clone(), found.version.text.clone()),
    };
    outcome.set("from", from);
    outcome.set("to", to);
    outcome.set("would_change", !ansible::Plan::is_empty(plan));
    outcome.set("copies", COPIES);
    if let State::Found(found) = state {
        outcome.set("offered", &found.offer.version.text);
        outcome.set("runc", found.runc.as_ref().map(|version| &version.text));
        outcome.set("package", &found.owner);
        outcome.set("others", &found.others);
        outcome.set("deprecations", &found.deprecations);
        outcome.set("pods", found.known.pods.len());
        outcome.set("images", found.known.images.len());
    }
    if let Some(upgrade) = &plan.upgrade {
        outcome.set("config_changes", &upgrade.changes);
        outcome.set("drop_ins", &upgrade.drop_ins);
        outcome.set("restarts", &upgrade.restarts);
    }
    for warning in &plan.warnings {
        outcome.warn(warning);
    }
    let Some(done) = done else { return outcome };
    outcome.set("steps", &done.steps);
    outcome.set("went_back", done.back);
    outcome.set("failed_proof", done.failed_proof);
    outcome.set("seconds", (done.seconds * 10.0).round() / 10.0);
    outcome.set("seconds_not_ready", done.not_ready.map(|seconds| (seconds * 10.0).round() / 10.0));
    outcome.set("restarted", &done.restarted);
    outcome
}

fn words(args: &Args, state: &State, plan: &Plan, done: Option<&Upgraded>) -> String {
    let found = match state {
        State::Unfinished(unfinished) => {
            let (begun, step) = unfinished.as_ref();
            let toward = toward(step, begun);
            return match done {
                Some(_) => format!("containerd is {toward}, after an upgrade that was interrupted"),
                None => format!(
                    "an upgrade from {} to {} was interrupted, and would go on to {toward}",
                    begun.from, begun.to
                ),
            };
        }
        State::Found(found) => found,
    };
    let Some(upgrade) = &plan.upgrade else {
        return format!(
            "containerd is {}, and {} offers {}: nothing to do",
            found.version, args.source, found.offer.version
        );
    };
    let begun = &upgrade.begun;
    match done {
        Some(done) => format!("containerd {} became {} in {:.1} s, and is proved", begun.from, begun.to, done.seconds),
        None => format!(
            "containerd {} would become {}; {} pods would keep running",
            begun.from,
            begun.to,
            begun.known.pods.len() - begun.known.leaking.len()
        ),
    }
}
