//! The answer.

use crate::apply::Applied;
use crate::observe::{Compared, State};
use crate::plan::Plan;
use ansible::Outcome;

/// `objects`, what became of each that differed; `refused`; or `rendered`.
pub fn report(state: &State, plan: &Plan, done: Option<&Applied>) -> anyhow::Result<Outcome> {
    let manifests = match state {
        State::Rendered(text) => {
            return Ok(Outcome::new().msg("the kustomization is rendered").field("rendered", text));
        }
        State::Compared(manifests) => manifests,
    };
    let same: Vec<&str> =
        manifests.iter().filter(|(_, one)| *one == Compared::Same).map(|(one, _)| one.file.as_str()).collect();
    let objects = done.map_or(&plan.objects, |done| &done.objects);
    let changed = objects.iter().filter(|one| one.state != "unchanged").count();
    let msg = match (changed, done) {
        (0, _) => "all objects are as they should be".to_owned(),
        (1, None) => "1 object differs".to_owned(),
        (n, None) => format!("{n} objects differ"),
        (1, Some(_)) => "1 object was applied".to_owned(),
        (n, Some(_)) => format!("{n} objects were applied"),
    };
    let refused = done.map(|done| done.refused.clone()).unwrap_or_default();
    Ok(Outcome::new().msg(msg).field("objects", objects).field("same", same).field("refused", refused))
}
