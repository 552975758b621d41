//! The labels and taints that the Nodes have, and which of them were given by this module.

use crate::args::Args;
use crate::taint::Taint;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation that says what was given here: a person's own labels are never taken away.
pub const RECORD: &str = "kubejoin.io/node-labels";

/// One Node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Label to value.
    pub labels: BTreeMap<String, String>,
    /// In order.
    pub taints: Vec<Taint>,
    /// What was given here.
    pub record: Record,
}

/// The names of what was given here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Labels.
    pub labels: BTreeSet<String>,
    /// Taints, as `key:effect`.
    pub taints: BTreeSet<String>,
}

impl Record {
    fn read(text: &str) -> Self {
        let all: Value = serde_json::from_str(text).unwrap_or_default();
        let names = |key: &str| {
            all[key].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Record { labels: names("labels"), taints: names("taints") }
    }

    /// As the annotation has it.
    pub fn text(&self) -> String {
        json!({"labels": self.labels, "taints": self.taints}).to_string()
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.taints.is_empty()
    }
}

/// All Nodes of the cluster, by name.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<BTreeMap<String, Node>> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    let nodes = patiently(deadline, |limit| kubectl.list("nodes", limit))?;
    Ok(nodes
        .iter()
        .map(|node| (node["metadata"]["name"].as_str().unwrap_or_default().to_owned(), read(node)))
        .collect())
}

fn read(node: &Value) -> Node {
    let meta = &node["metadata"];
    let labels = meta["labels"].as_object().into_iter().flatten();
    Node {
        labels: labels.map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        taints: node["spec"]["taints"].as_array().into_iter().flatten().map(Taint::of).collect(),
        record: Record::read(meta["annotations"][RECORD].as_str().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_read_with_its_record_and_a_broken_record_is_none() {
        let node = |record: &str| {
            read(&json!({"metadata": {"labels": {"a": "1"}, "annotations": {RECORD: record}},
                "spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}))
        };
        let found = node(r#"{"labels":["a"],"taints":["x:NoSchedule"]}"#);
        assert!(found.record.labels.contains("a") && found.record.taints.contains(&found.taints[0].place()));
        assert_eq!(Record::read(&found.record.text()), found.record);
        assert!(node("broken").record.is_empty());
    }
}
