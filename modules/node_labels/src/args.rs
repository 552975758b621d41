//! The options.

use crate::names::{is_key, is_value};
use crate::taint::Taint;
use ansible::{Kind, Opt, Spec};
use anyhow::{Context as _, bail, ensure};
use kubeadm::identity::is_node_name;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "node_labels",
    summary: "Give Nodes their labels and taints, and take away those that were given before",
    options: &[
        Opt::new(
            "nodes",
            Kind::Dict,
            "By name of the Node: C(labels), a dictionary, and C(taints), a list of C(key=value:effect) or C(key:effect).",
        )
        .required(),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
        Opt::new("timeout", Kind::Int, "How long all of it may take, in seconds.").default("120"),
    ],
    rules: &[],
};

/// What the kubelet itself sets and would set again.
const KUBELETS: [&str; 5] = [
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
];

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    nodes: Map<String, Value>,
    /// A path.
    pub kubeconfig: String,
    /// Seconds.
    pub timeout: i64,
}

/// What one Node should have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Label to value.
    pub labels: BTreeMap<String, String>,
    /// In order.
    pub taints: Vec<Taint>,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        ensure!(!self.nodes.is_empty(), "option nodes is empty: name a Node");
        ensure!((1..=7200).contains(&self.timeout), "option timeout is {}: it must be 1 to 7200 seconds", self.timeout);
        ensure!(
            self.kubeconfig.starts_with('/'),
            "option kubeconfig is {:?}: it must be an absolute path",
            self.kubeconfig
        );
        self.wanted().map(drop)
    }

    /// What each Node should have.
    pub fn wanted(&self) -> anyhow::Result<BTreeMap<String, Wanted>> {
        let read = |(name, item): (&String, &Value)| {
            ensure!(is_node_name(name), "option nodes has {name:?}: it must be a DNS name in lower case");
            Ok((name.clone(), wanted(item).with_context(|| format!("option nodes, {name}"))?))
        };
        self.nodes.iter().map(read).collect()
    }
}

fn wanted(item: &Value) -> anyhow::Result<Wanted> {
    let item = item.as_object().context("it must have labels and taints")?;
    for key in item.keys() {
        ensure!(["labels", "taints"].contains(&key.as_str()), "it has {key:?}: it may have labels and taints");
    }
    let labels = match item.get("labels") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(other) => bail!("labels is {other}: it must be a dictionary such as {{disk: ssd}}"),
    };
    let labels = labels.iter().map(|(key, value)| Ok((label(key)?, text(key, value)?)));
    let taints = match item.get("taints") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(all)) => all.clone(),
        Some(other) => bail!("taints is {other}: it must be a list such as [\"dedicated=media:NoSchedule\"]"),
    };
    let mut found: Vec<Taint> = Vec::new();
    for taint in taints {
        let taint = Taint::read(taint.as_str().with_context(|| format!("the taint {taint} is not text"))?)?;
        ensure!(!found.iter().any(|one| one.place() == taint.place()), "the taint {} is there twice", taint.place());
        found.push(taint);
    }
    Ok(Wanted { labels: labels.collect::<anyhow::Result<_>>()?, taints: found })
}

fn label(key: &str) -> anyhow::Result<String> {
    ensure!(is_key(key), "the label {key:?} is not one: use letters, digits, - _ . and at most one / after a DNS name");
    ensure!(!KUBELETS.contains(&key), "the label {key} is the kubelet's own, which sets it again");
    Ok(key.to_owned())
}

/// A label's value as YAML has it, which knows numbers and truth.
fn text(key: &str, value: &Value) -> anyhow::Result<String> {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        _ => bail!("the label {key} is {value}: it must be text"),
    };
    ensure!(
        is_value(&text),
        "the label {key} is {text:?}: use at most 63 letters, digits, - _ . with a letter or digit at both ends"
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn args(nodes: Value) -> Args {
        serde_json::from_value(json!({"nodes": nodes, "kubeconfig": "/k", "timeout": 9})).unwrap()
    }

    #[test]
    fn labels_are_read_as_yaml_writes_them() {
        let all =
            args(json!({"w1": {"labels": {"gpu": true, "rack": 7, "a.b/c": null}, "taints": ["x=y:NoSchedule"]}}));
        let wanted = &all.wanted().unwrap()["w1"];
        let labels: Vec<(&str, &str)> =
            wanted.labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(labels, [("a.b/c", ""), ("gpu", "true"), ("rack", "7")]);
    }

    #[test]
    fn what_is_refused_is_named_with_the_node() {
        for (nodes, words) in [
            (json!({}), "option nodes is empty"),
            (json!({"W1": {}}), "option nodes has \"W1\""),
            (json!({"w1": []}), "option nodes, w1: it must have labels and taints"),
            (json!({"w1": {"label": {}}}), "it has \"label\""),
            (json!({"w1": {"labels": ["a"]}}), "labels is [\"a\"]"),
            (json!({"w1": {"labels": {"a b": ""}}}), "the label \"a b\" is not one"),
            (json!({"w1": {"labels": {"a": "x y"}}}), "the label a is \"x y\""),
            (json!({"w1": {"labels": {"kubernetes.io/hostname": "x"}}}), "the kubelet's own"),
            (json!({"w1": {"taints": "x:NoSchedule"}}), "taints is \"x:NoSchedule\": it must be a list"),
            (json!({"w1": {"taints": ["a=1:NoSchedule", "a=2:NoSchedule"]}}), "is there twice"),
        ] {
            let said = format!("{:#}", args(nodes.clone()).validate().unwrap_err());
            assert!(said.contains(words), "{nodes}: {said}");
        }
    }
}
