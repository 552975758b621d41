//! The Node, its pods, and the budgets they fall under.

use crate::args::{Args, Wanted};
use crate::budget::Budget;
use crate::pod::Pod;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;
use serde_json::Value;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// `status.nodeInfo.machineID`.
    pub machine_id: String,
    /// `status.nodeInfo.systemUUID`.
    pub system_uuid: String,
    /// Whether new pods are kept off.
    pub cordoned: bool,
    /// Whether its kubelet has stopped talking: nothing that is asked of it would be done.
    pub silent: bool,
    /// The pods on it.
    pub pods: Vec<Pod>,
    /// All budgets of the cluster.
    pub budgets: Vec<Budget>,
    /// The version of the group policy whose Eviction the API server takes.
    pub eviction: String,
}

/// Looks; none when there is no such Node.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<Option<State>> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    let Some(node) = patiently(deadline, |limit| kubectl.get("node", &args.node_name, "default", limit))? else {
        return Ok(None);
    };
    let text = |path: &str| node.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let ready = kubeadm::conditions::ready(&node);
    let mut state = State {
        machine_id: text("/status/nodeInfo/machineID"),
        system_uuid: text("/status/nodeInfo/systemUUID"),
        cordoned: node["spec"]["unschedulable"] == true,
        silent: ready.is_some_and(|condition| condition["status"] == "Unknown"),
        pods: Vec::new(),
        budgets: Vec::new(),
        eviction: "v1".into(),
    };
    if args.state == Wanted::Drained {
        state.pods = pods(&kubectl, &args.node_name, deadline)?;
        let found = patiently(deadline, |limit| kubectl.list("poddisruptionbudgets", limit))?;
        state.budgets = found.iter().map(Budget::read).collect();
        state.eviction = eviction(&kubectl, deadline);
    }
    Ok(Some(state))
}

/// The pods that are bound to a node.
pub fn pods(kubectl: &Kubectl, node: &str, deadline: &Deadline) -> anyhow::Result<Vec<Pod>> {
    let path = format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{node}");
    let list = patiently(deadline, |limit| {
        let output = kubectl.run(&["get", "--raw", &path], "", limit)?.success()?;
        serde_json::from_slice::<Value>(&output.stdout).context("reading the list as JSON")
    });
    let list = list.with_context(|| format!("listing the pods of {node}"))?;
    Ok(list["items"].as_array().into_iter().flatten().map(Pod::read).collect())
}

/// What the API server takes: `v1` since 1.22, `v1beta1` before. One that does not say is a newer one.
fn eviction(kubectl: &Kubectl, deadline: &Deadline) -> String {
    let answer = kubectl.run(&["get", "--raw", "/api/v1"], "", deadline).ok();
    let known: Option<Value> = answer.and_then(|output| serde_json::from_slice(&output.stdout).ok());
    let resources = known.as_ref().and_then(|known| known["resources"].as_array());
    let version = resources.into_iter().flatten().find(|one| one["name"] == "pods/eviction");
    version.and_then(|one| one["version"].as_str()).unwrap_or("v1").to_owned()
}
