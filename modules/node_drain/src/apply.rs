//! Cordons, evicts, and waits until the pods are gone.

use crate::args::Args;
use crate::observe::pods;
use crate::plan::{Blocked, Plan};
use crate::pod::Pod;
use ansible::{Done, Failure, Run};
use anyhow::Context as _;
use host::deadline::{Deadline, Expired, Look};
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;
use serde_json::json;
use std::time::{Duration, Instant};

/// Between two looks at the pods that are left.
const EVERY: Duration = Duration::from_secs(1);
/// Between two evictions of a pod that was refused: a budget changes when a pod elsewhere is ready.
const AGAIN: Duration = Duration::from_secs(3);
/// What one question may take.
const QUESTION: Duration = Duration::from_secs(20);

/// What was done.
#[derive(Debug, Default)]
pub struct Drained {
    /// New pods were kept off, or let in.
    pub cordoned: Option<bool>,
    /// Pods that the API server took off the node.
    pub evicted: Vec<String>,
    /// Pods that were still there when the time was over.
    pub blocked: Vec<Blocked>,
}

impl Done for Drained {
    fn is_change(&self) -> bool {
        self.cordoned.is_some() || !self.evicted.is_empty()
    }
}

/// A pod on its way.
struct Leaving<'a> {
    pod: &'a Pod,
    asked: Option<Instant>,
    accepted: bool,
    blocked: Option<Blocked>,
}

/// Does it.
pub fn apply(args: &Args, plan: &Plan, run: &Run, done: &mut Drained) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    if let Some(cordon) = plan.cordon {
        let word = if cordon { "cordon" } else { "uncordon" };
        let changed = patiently(&run.deadline, |limit| kubectl.run(&[word, &args.node_name], "", limit)?.success());
        changed.with_context(|| format!("{word}ing Node {}", args.node_name))?;
        done.cordoned = Some(cordon);
    }
    let mut leaving: Vec<Leaving> =
        plan.evict.iter().map(|pod| Leaving { pod, asked: None, accepted: pod.ending, blocked: None }).collect();
    let mut told = 0;
    let gone = run.deadline.poll(EVERY, "the node to be empty", || {
        for one in leaving.iter_mut().filter(|one| !one.accepted) {
            if one.asked.is_none_or(|asked| asked.elapsed() >= AGAIN) {
                evict(&kubectl, plan, one, &run.deadline, done);
            }
        }
        let left = pods(&kubectl, &args.node_name, &run.deadline.at_most(QUESTION));
        // An API server that is away for a moment ends nothing.
        let Ok(left) = left else { return Ok(Look::NotYet(String::new())) };
        leaving.retain(|one| left.iter().any(|pod| pod.uid == one.pod.uid));
        if leaving.len() != told {
            told = leaving.len();
            run.phase(&format!("{told} of {} pods are still there", plan.evict.len()));
        }
        Ok(if leaving.is_empty() { Look::Ready(()) } else { Look::NotYet(String::new()) })
    });
    match gone {
        Err(error) if error.is::<Expired>() => Err(late(args, leaving, done).into()),
        other => other,
    }
}

/// Asks the API server, which heeds the budgets, to take a pod away.
fn evict(kubectl: &Kubectl, plan: &Plan, one: &mut Leaving, deadline: &Deadline, done: &mut Drained) {
    one.asked = Some(Instant::now());
    let pod = one.pod;
    let path = format!("/api/v1/namespaces/{}/pods/{}/eviction", pod.namespace, pod.name);
    let eviction = json!({
        "apiVersion": format!("policy/{}", plan.eviction), "kind": "Eviction",
        "metadata": {"namespace": pod.namespace, "name": pod.name},
        // Not one of the same name that has come after it.
        "deleteOptions": {"preconditions": {"uid": pod.uid}},
    });
    let answer =
        kubectl.run(&["create", "--raw", &path, "--filename", "-"], &eviction.to_string(), &deadline.at_most(QUESTION));
    let said = match answer.map(|output| (output.status.success(), output.stderr_text())) {
        Ok((true, _)) => String::new(),
        Ok((false, said)) => said.split_whitespace().collect::<Vec<_>>().join(" "),
        Err(error) => format!("{error:#}"),
    };
    // Gone, or another by now.
    let over = said.contains("NotFound") || said.contains("(Conflict)");
    one.accepted = said.is_empty() || over;
    if said.is_empty() {
        done.evicted.push(pod.id());
    }
    one.blocked = (!one.accepted).then(|| refusal(plan, pod, said));
}

/// Why it was not taken away: the API server does not say which budget it is, in its text.
fn refusal(plan: &Plan, pod: &Pod, said: String) -> Blocked {
    let budget = said.contains("disruption budget") || said.contains("TooManyRequests");
    let known = plan.waiting.iter().find(|one| one.pod == pod.id()).map(|one| one.why.clone());
    match known.filter(|_| budget) {
        Some(why) => Blocked { pod: pod.id(), reason: "disruption_budget", why },
        None => Blocked { pod: pod.id(), reason: if budget { "disruption_budget" } else { "refused" }, why: said },
    }
}

fn late(args: &Args, leaving: Vec<Leaving>, done: &mut Drained) -> Failure {
    let ending = |pod: &Pod| Blocked {
        pod: pod.id(),
        reason: "ending",
        why: "it was told to end and has not, for as long as its grace period or its kubelet takes".into(),
    };
    let blocked: Vec<Blocked> = leaving.into_iter().map(|one| one.blocked.unwrap_or_else(|| ending(one.pod))).collect();
    let each: Vec<String> = blocked.iter().map(Blocked::words).collect();
    let (name, seconds) = (&args.node_name, args.timeout);
    let msg = format!(
        "draining Node {name}: {} still there after {seconds} s: {}; the Node stays cordoned, kubectl uncordon {name} undoes that",
        if each.len() == 1 { "one pod is".to_owned() } else { format!("{} pods are", each.len()) },
        each.join("; ")
    );
    done.blocked = blocked;
    Failure::new(msg).field("refused", "late")
}
