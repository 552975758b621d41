//! What is done, or why not. Pure.

use crate::args::{Args, Wanted};
use crate::observe::State;
use crate::pod::{Kind, Pod};
use ansible::{Diff, Failure, Outcome};
use kubeadm::identity;
use serde::Serialize;

/// What is done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Whether new pods are kept off from now on, or let in; none when that is as it should be.
    pub cordon: Option<bool>,
    /// The pods that go.
    pub evict: Vec<Pod>,
    /// The version of Eviction.
    pub eviction: String,
    /// Pods that a budget keeps for now.
    pub waiting: Vec<Blocked>,
}

/// A pod that keeps the node from being empty. Its names are those of the result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// `namespace/name`.
    pub pod: String,
    /// `local_storage`, `no_controller`, `disruption_budget`, `ending` or `refused`.
    pub reason: &'static str,
    /// In a sentence's middle.
    pub why: String,
}

impl Blocked {
    /// `namespace/name (why)`.
    pub fn words(&self) -> String {
        format!("{} ({})", self.pod, self.why)
    }
}

/// Decides.
pub fn plan(args: &Args, state: Option<&State>) -> anyhow::Result<Plan> {
    let Some(state) = state else { return Ok(Plan::default()) };
    let given =
        [("machine id", &args.machine_id, &state.machine_id), ("system UUID", &args.system_uuid, &state.system_uuid)];
    for (what, asked, found) in given {
        if asked.as_ref().is_some_and(|asked| !identity::is_same(asked, found)) {
            let why = format!("it is another machine's, whose {what} is {found}");
            return refuse(args, "another_machine", format!("not draining Node {}: {why}", args.node_name), &[]);
        }
    }
    let cordon = args.state != Wanted::Uncordoned;
    let mut plan = Plan {
        cordon: (state.cordoned != cordon).then_some(cordon),
        eviction: state.eviction.clone(),
        ..Plan::default()
    };
    if args.state != Wanted::Drained {
        return Ok(plan);
    }
    plan.evict = state.pods.iter().filter(|pod| !pod.stays()).cloned().collect();
    if state.silent && !plan.evict.is_empty() {
        let why = "its kubelet has stopped talking to the cluster, and would end no pod";
        return refuse(args, "node_silent", format!("not draining Node {}: {why}", args.node_name), &[]);
    }
    let kept: Vec<Blocked> = plan.evict.iter().filter_map(|pod| kept(args, pod)).collect();
    if !kept.is_empty() {
        let all: Vec<String> = kept.iter().map(Blocked::words).collect();
        let msg = format!("not draining Node {}, and nothing was touched: {}", args.node_name, all.join("; "));
        return refuse(args, "blocked", msg, &kept);
    }
    for pod in &plan.evict {
        plan.waiting.extend(state.budgets.iter().filter(|budget| budget.covers(pod) && budget.allowed < 1).map(
            |budget| {
                let why = format!("the PodDisruptionBudget {} lets none of its pods go now", budget.name);
                Blocked { pod: pod.id(), reason: "disruption_budget", why }
            },
        ));
    }
    Ok(plan)
}

/// Why a pod must not be evicted without being asked.
fn kept(args: &Args, pod: &Pod) -> Option<Blocked> {
    let blocked = |reason, why: &str| Some(Blocked { pod: pod.id(), reason, why: why.to_owned() });
    if pod.finished || pod.ending {
        return None;
    }
    if pod.kind == Kind::Alone && !args.force {
        return blocked("no_controller", "no controller would make it anew: delete it, or set force");
    }
    if pod.empty_dir && !args.delete_emptydir_data {
        return blocked("local_storage", "it has an emptyDir, whose data would be lost: set delete_emptydir_data");
    }
    None
}

fn refuse(args: &Args, class: &str, msg: String, blocked: &[Blocked]) -> anyhow::Result<Plan> {
    let outcome = Outcome::new().field("node_name", &args.node_name).field("blocked", blocked).field("refused", class);
    Err(Failure::new(msg).with(outcome).into())
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.cordon.is_none() && self.evict.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        let before: Vec<String> = self.evict.iter().map(Pod::id).collect();
        let pods = (!before.is_empty()).then(|| Diff::list("pods that leave the node", &before, &[]));
        let cordon = self.cordon.map(|cordon| {
            let word = |cordon: bool| if cordon { "kept off\n" } else { "let in\n" };
            Diff::new("new pods", word(!cordon), word(cordon))
        });
        cordon.into_iter().chain(pods).collect()
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
