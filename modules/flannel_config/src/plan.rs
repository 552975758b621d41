//! Which objects differ, decided from what was found alone.

use crate::args::Args;
use crate::compare::difference;
use crate::manifest::{DAEMON_SET, net_conf};
use crate::observe::State;
use crate::rollout::Rollout;
use ansible::Diff;
use serde_json::Value;

/// The objects to write, and what puts the old ones back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Every object of the manifest, when any differs: they belong together.
    pub apply: Vec<Value>,
    /// The live versions of those that differ, ready to be applied again.
    pub before: Vec<Value>,
    /// `kind/name`, and the first field that differs, for each that does.
    pub differences: Vec<String>,
    /// net-conf.json as it will be.
    pub net_conf: Value,
    /// Whether to wait until flannel runs on every node: it does not yet, or not with what is written now.
    pub wait: bool,
    diff: Vec<Diff>,
}

/// Decides. Refuses a backend that the cluster's Windows nodes cannot use.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    anyhow::ensure!(
        !state.cluster.windows || args.backend == "vxlan",
        "option backend is {:?}: the cluster has Windows nodes, which need vxlan",
        args.backend
    );
    let mut plan = Plan { net_conf: net_conf(args, &state.cluster), ..Plan::default() };
    for (wanted, live) in &state.objects {
        let name = format!(
            "{}/{}",
            wanted["kind"].as_str().unwrap_or_default(),
            wanted["metadata"]["name"].as_str().unwrap_or_default()
        );
        let Some(field) = live.as_ref().map_or(Some("not there".to_owned()), |l| difference(wanted, l)) else {
            continue;
        };
        plan.differences.push(format!("{name}: {field}"));
        plan.diff.push(Diff::new(
            name,
            live.as_ref().map(|l| shown(&only(wanted, l))).unwrap_or_default(),
            shown(wanted),
        ));
        plan.before.extend(live.as_ref().map(restorable));
    }
    if !plan.differences.is_empty() {
        plan.apply = state.objects.iter().map(|(wanted, _)| wanted.clone()).collect();
    }
    let rolled_out = state.objects.iter().any(|(wanted, live)| {
        is_daemon_set(wanted) && live.as_ref().is_some_and(|live| Rollout::of(live).is_complete())
    });
    plan.wait = args.wait && !(plan.apply.is_empty() && rolled_out);
    Ok(plan)
}

/// Of a live object, what we have an opinion about: the rest would drown the difference.
fn only(wanted: &Value, live: &Value) -> Value {
    match (wanted, live) {
        (Value::Object(w), Value::Object(l)) => {
            Value::Object(w.iter().filter_map(|(k, v)| Some((k.clone(), only(v, l.get(k)?)))).collect())
        }
        (Value::Array(w), Value::Array(l)) if w.len() == l.len() => w.iter().zip(l).map(|(a, b)| only(a, b)).collect(),
        _ => live.clone(),
    }
}

/// A live object without what the server keeps for itself.
fn restorable(live: &Value) -> Value {
    let mut object = live.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
    }
    if let Some(meta) = object["metadata"].as_object_mut() {
        for key in ["resourceVersion", "uid", "creationTimestamp", "generation", "managedFields"] {
            meta.remove(key);
        }
    }
    object
}

fn shown(value: &Value) -> String {
    format!("{value:#}\n")
}

impl Plan {
    /// Whether the DaemonSet itself was there before, so that there is something to go back to.
    pub fn can_go_back(&self) -> bool {
        self.before.iter().any(is_daemon_set)
    }
}

fn is_daemon_set(object: &Value) -> bool {
    object["kind"] == "DaemonSet" && object["metadata"]["name"] == DAEMON_SET
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.apply.is_empty() && !self.wait
    }

    fn is_change(&self) -> bool {
        !self.apply.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        self.diff.clone()
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
