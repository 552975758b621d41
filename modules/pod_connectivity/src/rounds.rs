//! Checks, and what they show, while it can still be looked at.
//!
//! The kubelet takes a running sandbox whose uid is none of its pods for an orphan and stops it when it next tidies up,
//! every 2 s; labels do not matter to it (kubelet.go housekeepingPeriod, kubelet_pods.go HandlePodCleanups,
//! kuberuntime_sandbox.go getKubeletSandboxes). So what is checked from sandboxes of our own is checked in haste, a
//! failure is believed only when its sandbox is there afterwards, and what got lost is checked again from new ones.

use crate::args::Args;
use crate::checked::Checked;
use crate::checks::{self, Check, Checks};
use crate::hop::{self, Facts, Hop, Side};
use crate::look::look;
use crate::make::{self, Made};
use crate::observe::{self, Pod, State};
use crate::plan::{ENOUGH, Plan};
use crate::sandbox::Temporary;
use cri::Client;
use host::deadline::Deadline;
use std::time::Duration;

/// How often sandboxes are made before it is said that they do not last.
const ROUNDS: usize = 8;
/// A round takes about as long.
const ROUND: Duration = Duration::from_secs(5);

/// From pods that are there.
pub(crate) fn from_pods(args: &Args, state: &State, deadline: &Deadline) -> anyhow::Result<Checked> {
    let checks = checks::of(args, state)?;
    let mut made = make::make(args, &checks, deadline);
    make::forget_unreachable(args, &mut made);
    let facts = facts(&made, state, deadline)?.map(|facts| facts.with_rules(deadline));
    Ok(checked(state, &checks, explained(facts.as_ref(), made), Vec::new()))
}

/// From sandboxes of ours as well, made anew until all checks have been made that pods have not.
pub(crate) fn from_sandboxes(args: &Args, plan: Plan, deadline: &Deadline) -> anyhow::Result<Checked> {
    let Plan { sandboxes: count, node: mut state, before } = plan;
    let mut rows = before.rows;
    let mut number = 0;
    loop {
        number += 1;
        let temporary = Temporary::make(args, count, number, deadline)?;
        let mut pods = observe::pods(&mut Client::connect(&args.socket, deadline)?, &state.node)?;
        pods.iter_mut().for_each(|pod| pod.temporary = temporary.has(&pod.id));
        state.pods = pods;
        look(args, &mut state, deadline)?;
        let mut checks = checks::of(args, &state)?;
        let sources = checks.sources.clone();
        // Without its link's size a check of it is not made: such a sandbox went before it could be looked at.
        let unseen = args.mtu && sources.iter().any(|pod| pod.temporary && !state.mtus.contains_key(&pod.id));
        checks.all.retain(|(source, check)| !rows.iter().any(|(made, _)| same(made, &sources[*source], check)));
        let mut made = make::make(args, &checks, deadline);
        let facts = facts(&made, &state, deadline)?;
        let now = observe::pods(&mut Client::connect(&args.socket, deadline)?, &state.node)?;
        let before = made.len();
        made.retain(|made| !is_lost(made, &state, facts.as_ref(), &now));
        let lost = before - made.len();
        drop(temporary);
        make::forget_unreachable(args, &mut made);
        let facts = facts.map(|facts| facts.with_rules(deadline));
        rows.extend(explained(facts.as_ref(), made));
        let short = state.pods.len() < ENOUGH || unseen;
        if lost == 0 && !short {
            return Ok(checked(&state, &checks, rows, Vec::new()));
        }
        if number == ROUNDS || deadline.left() < ROUND {
            let what = if short { "some checks".to_owned() } else { format!("{lost} checks") };
            let warning = format!(
                "{what} could not be made: sandboxes made for them were removed in mid-check, {number} times; the kubelet does so with what is no pod of the cluster's; let a pod run on this node and check again"
            );
            return Ok(checked(&state, &checks, rows, vec![warning]));
        }
    }
}

fn checked(state: &State, checks: &Checks, rows: Vec<(Made, Option<Hop>)>, warnings: Vec<String>) -> Checked {
    let pods = state.pods.iter().filter(|pod| !pod.temporary).cloned().collect();
    Checked { pods, sources: checks.sources.len(), left_out: checks.left_out.clone(), rows, warnings }
}

/// The same check from the same pod; a sandbox of ours that was made anew has the name of the one before it.
fn same(made: &Made, source: &Pod, check: &Check) -> bool {
    made.source.name == source.name
        && (&made.check.to, made.check.place, made.check.probe.kind()) == (&check.to, check.place, check.probe.kind())
}

/// A failure from or to a sandbox of ours says nothing when that has gone, or has lost its address, which goes first.
fn is_lost(made: &Made, state: &State, facts: Option<&Facts>, now: &[Pod]) -> bool {
    let has_address = |side: &Side| side.links.iter().any(|link| link.addresses.iter().any(|a| a.ip == side.ip));
    let whole = |pod: &Pod| facts.and_then(|facts| facts.pod(pod.ip)).is_some_and(has_address);
    let gone = |pod: &&Pod| pod.temporary && !(now.iter().any(|n| n.id == pod.id) && whole(pod));
    let to = made.check.probe.address();
    matches!(made.result, Some(Err(_)))
        && state.pods.iter().filter(gone).any(|pod| pod.id == made.source.id || pod.ip == to)
}

/// Looks at the machine's and the pods' links, when a check has failed.
fn facts(made: &[Made], state: &State, deadline: &Deadline) -> anyhow::Result<Option<Facts>> {
    if !made.iter().any(|made| matches!(made.result, Some(Err(_)))) {
        return Ok(None);
    }
    // A pod that has gone meanwhile has no side to look at.
    let side = |pod: &Pod| Side::read(pod.ip, &pod.name, &pod.netns, deadline).ok();
    Facts::read(state.pods.iter().filter_map(side).collect(), deadline).map(Some)
}

fn explained(facts: Option<&Facts>, made: Vec<Made>) -> Vec<(Made, Option<Hop>)> {
    let hop = |made: &Made| match &made.result {
        Some(Err(fault)) => Some(hop::find(facts?, made.source.ip, &made.check, fault)),
        _ => None,
    };
    made.into_iter().map(|made| (made.clone(), hop(&made))).collect()
}
