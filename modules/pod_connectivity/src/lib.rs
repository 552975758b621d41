//! Proof from inside existing pods that they reach each other, the cluster's DNS and the outside; and when they do not,
//! which hop it is.
//!
//! `args -> observe -> plan -> apply`: the plan is pure. Nothing is changed, but for sandboxes that are gone afterwards.

pub mod apply;
pub mod args;
pub mod hop;
pub mod observe;
pub mod plan;
pub mod probe;
mod report;
mod sandbox;
pub mod target;

use ansible::{Outcome, Params, Task};
use args::Args;
use hop::Side;
use host::cri::Client;
use host::deadline::Deadline;
use observe::{Pod, State};
use sandbox::Temporary;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

/// Two, so that one can reach the other.
const ENOUGH: usize = 2;

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = Args::from_params(params)?;
    let deadline = Deadline::after(Duration::from_secs(args.timeout));
    task.phase("looking for pods");
    let mut state = observe::observe(&args, &deadline)?;
    let missing = ENOUGH.saturating_sub(state.pods.len());
    let temporary = match missing > 0 && args.temporary_sandbox && !task.check_mode {
        true => Some(Temporary::make(&args, missing, &deadline)?),
        false => None,
    };
    if let Some(temporary) = &temporary {
        state.pods = observe::pods(&mut Client::connect(&args.socket, &deadline)?, &state.node)?;
        state.pods.iter_mut().for_each(|pod| pod.temporary = temporary.has(&pod.id));
    }
    let plan = plan::plan(&args, &state, |pod| mtu(pod, &deadline), |name| address(&args, &state, name))?;
    task.phase("checking");
    let mut made = apply::apply(&args, &plan, &deadline);
    let warnings = forget_removed(&args, &state, &plan, &mut made, &deadline)?;
    let failed = made.iter().any(|made| matches!(made.result, Some(Err(_))));
    let facts = match failed {
        true => Some(hop::Facts::read(sides(&state, &deadline), &deadline)?),
        false => None,
    };
    report::outcome(&args, &state, &plan, &made, facts.as_ref(), warnings)
}

/// The size of a pod's link; the loopback is not one.
fn mtu(pod: &Pod, deadline: &Deadline) -> Option<u16> {
    let side = Side::read(pod.ip, &pod.name, &pod.netns, deadline).ok()?;
    u16::try_from(side.link()?.mtu).ok()
}

/// A name's address, asked of the cluster's DNS from the first pod that gets an answer.
fn address(args: &Args, state: &State, name: &str) -> Option<IpAddr> {
    let (server, _) = plan::dns(args, state)?;
    let ask = || Ok(probe::resolve(SocketAddr::new(server, 53), name, args.check_timeout()).ok());
    let answer = |pod: &Pod| host::netns::inside(&pod.netns, ask).ok().flatten();
    state.pods.iter().find_map(answer)?.first().copied()
}

fn sides(state: &State, deadline: &Deadline) -> Vec<Side> {
    // A pod that has gone meanwhile has no side to look at.
    state.pods.iter().filter_map(|pod| Side::read(pod.ip, &pod.name, &pod.netns, deadline).ok()).collect()
}

/// A kubelet may take a sandbox of ours for an orphan and remove it while we check: those results say nothing.
fn forget_removed(
    args: &Args,
    state: &State,
    plan: &plan::Plan,
    made: &mut Vec<apply::Made>,
    deadline: &Deadline,
) -> anyhow::Result<Vec<String>> {
    if !state.pods.iter().any(|pod| pod.temporary) {
        return Ok(Vec::new());
    }
    let now = observe::pods(&mut Client::connect(&args.socket, deadline)?, &state.node)?;
    let gone: Vec<&Pod> =
        state.pods.iter().filter(|pod| pod.temporary && !now.iter().any(|n| n.id == pod.id)).collect();
    let involved = |made: &apply::Made| {
        gone.iter().any(|pod| pod.id == plan.sources[made.source].id || pod.ip == made.check.probe.address())
    };
    made.retain(|made| !involved(made));
    Ok(gone
        .iter()
        .map(|pod| format!("sandbox {} was removed by somebody else while it was checked from", pod.name))
        .collect())
}
