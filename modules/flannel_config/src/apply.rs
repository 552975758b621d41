//! Writes the objects, waits for every node, and puts back what was there when a node does not come up.

use crate::args::Args;
use crate::manifest::DAEMON_SET;
use crate::plan::Plan;
use crate::pods;
use crate::rollout::Rollout;
use anyhow::{Context as _, anyhow};
use host::deadline::{Deadline, Look};
use kubeadm::kubectl::Kubectl;
use std::time::Duration;

/// One question to the API server.
const QUESTION: Duration = Duration::from_secs(10);

/// What was done.
#[derive(Debug, Default)]
pub struct Applied {
    /// The manifest was written, and was not put back.
    written: bool,
}

impl ansible::Done for Applied {
    fn is_change(&self) -> bool {
        self.written
    }
}

/// Does it. The first installation has nothing to go back to: it stays, for its pods to say what is wrong.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline, done: &mut Applied) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    if !plan.apply.is_empty() {
        // Before the answer: an apply that fails half way has written what came before.
        done.written = true;
        kubectl.apply(&plan.apply, deadline)?;
    }
    if !plan.wait {
        return Ok(());
    }
    let Err(error) = rolled_out(args, &kubectl, deadline) else { return Ok(()) };
    if plan.apply.is_empty() || !plan.can_go_back() {
        return Err(error);
    }
    // The deadline is over by now: going back has a budget of its own.
    let back = Deadline::after(Duration::from_secs(60));
    match kubectl.apply(&plan.before, &back).and_then(|()| rolled_out(args, &kubectl, &back)) {
        Ok(()) => {
            done.written = false;
            Err(anyhow!("{error:#}; the configuration that was there before is in force again"))
        }
        Err(e) => Err(anyhow!("{error:#}; putting back what was there before failed too: {e:#}")),
    }
}

/// Waits until every node that should run flannel runs the version of now.
fn rolled_out(args: &Args, kubectl: &Kubectl, deadline: &Deadline) -> anyhow::Result<()> {
    let mut said = None;
    let done = deadline.poll(Duration::from_secs(1), "flannel to run on every node", || {
        // An API server that is busy for a moment, as one is after its cluster was made, ends nothing.
        let live = match kubectl.get("daemonset", DAEMON_SET, &args.namespace, &deadline.at_most(QUESTION)) {
            Ok(live) => live.with_context(|| format!("DaemonSet {DAEMON_SET} is not there"))?,
            // What it said last tells more than that the last question was cut off.
            Err(error) => return Ok(Look::NotYet(said.clone().unwrap_or_else(|| format!("{error:#}")))),
        };
        let rollout = Rollout::of(&live);
        if rollout.is_complete() {
            return Ok(Look::Ready(()));
        }
        let words = format!("{rollout}; kubectl -n {} get pods -o wide shows which", args.namespace);
        Ok(Look::NotYet(said.insert(words).clone()))
    });
    done.map_err(|error| match trouble(args, kubectl) {
        Some(why) => error.context(format!("flannel does not come up on {why}")),
        None => error,
    })
}

/// What its pods say, asked when the time is over; none when they cannot be asked.
fn trouble(args: &Args, kubectl: &Kubectl) -> Option<String> {
    let asked = ["get", "pods", "--namespace", &args.namespace, "--selector", "app=flannel", "--output", "json"];
    let answer = kubectl.run(&asked, "", &Deadline::after(QUESTION)).ok()?.success().ok()?;
    pods::trouble(&serde_json::from_slice(&answer.stdout).ok()?)
}
