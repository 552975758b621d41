//! What makes the module refuse before anything is stopped. Pure.

use ansible::Failure;

use crate::args::Args;
use crate::observe::State;
use crate::parts::RUNNING;
use crate::plan;

/// Every reason at once, in one sentence; nothing when there is none.
pub fn refuse(args: &Args, state: &State) -> Option<Failure> {
    let mut reasons = state.conflicts.clone();
    reasons.extend(state.unsafe_targets.clone());
    let seen = plan::targets(args, state).flat_map(|found| &found.users);
    reasons.extend(seen.map(|seen| seen.refusal()));
    if !args.allow_control_plane && touches_cluster(args) && !state.control_plane.is_empty() {
        reasons.push(format!(
            "this node runs a control plane: {}; to destroy it, set allow_control_plane",
            state.control_plane.join(", ")
        ));
    }
    if !args.allow_other_kubernetes && touches_cluster(args) {
        reasons.extend(state.other_kubernetes.iter().map(|active| {
            format!(
                "{} is at work here ({}), and its pods would end and its network go; to do that, set allow_other_kubernetes",
                active.distribution,
                active.signs.join(", ")
            )
        }));
    }
    if reasons.is_empty() {
        return None;
    }
    let msg = format!("refused, and nothing was touched: {}", reasons.join("; "));
    Some(Failure::new(msg).field("refused", reasons))
}

/// Parts without which a control plane cannot run.
fn touches_cluster(args: &Args) -> bool {
    RUNNING.into_iter().any(|part| args.wants(part))
}
