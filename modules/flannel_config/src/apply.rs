//! Writes the objects, waits for every node, and puts back what was there when a node does not come up.

use crate::args::Args;
use crate::manifest::DAEMON_SET;
use crate::plan::Plan;
use crate::pods;
use ansible::Failure;
use anyhow::Context as _;
use host::deadline::{Deadline, Look};
use kubeadm::kubectl::Kubectl;
use std::time::Duration;

/// One question to the API server.
const QUESTION: Duration = Duration::from_secs(10);

/// Does it. The first installation has nothing to go back to: it stays, for its pods to say what is wrong.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    if !plan.apply.is_empty() {
        kubectl.apply(&plan.apply, deadline)?;
    }
    if !args.wait {
        return Ok(());
    }
    let Err(error) = rolled_out(args, &kubectl, deadline) else { return Ok(()) };
    if plan.apply.is_empty() || !plan.can_go_back() {
        return Err(error);
    }
    // The deadline is over by now: going back has a budget of its own.
    let back = Deadline::after(Duration::from_secs(60));
    let put_back = kubectl.apply(&plan.before, &back).and_then(|()| rolled_out(args, &kubectl, &back));
    let msg = match &put_back {
        Ok(()) => format!("{error:#}; the configuration that was there before is in force again"),
        Err(e) => format!("{error:#}; putting back what was there before failed too: {e:#}"),
    };
    Err(Failure::new(msg).field("differences", &plan.differences).changed(put_back.is_err()).into())
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
        let number = |path: &str| live.pointer(path).and_then(serde_json::Value::as_i64).unwrap_or(0);
        let seen = number("/status/observedGeneration") >= number("/metadata/generation");
        let (wanted, new, ready) = (
            number("/status/desiredNumberScheduled"),
            number("/status/updatedNumberScheduled"),
            number("/status/numberAvailable"),
        );
        Ok(if seen && wanted > 0 && new >= wanted && ready >= wanted {
            Look::Ready(())
        } else {
            let namespace = &args.namespace;
            let words = format!("{ready} of {wanted} nodes; kubectl -n {namespace} get pods -o wide shows which");
            Look::NotYet(said.insert(words).clone())
        })
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
