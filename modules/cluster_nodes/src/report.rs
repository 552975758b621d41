//! Who is waited for, and the answer. Pure.

use crate::args::Args;
use crate::node::Node;
use ansible::{Failure, Outcome};
use serde_json::json;
use std::time::Duration;

/// A Node that is waited for and is not Ready, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// The cluster has no such Node.
    pub missing: bool,
}

/// Those that are not there or not Ready, in the order they were asked for.
pub fn away(args: &Args, nodes: &[Node]) -> Vec<Away> {
    let of = |node: &Node| node.reason.clone().map(|reason| Away { name: node.name.clone(), reason, missing: false });
    if args.nodes.is_empty() {
        return nodes.iter().filter_map(of).collect();
    }
    let asked = args.nodes.iter();
    asked
        .filter_map(|name| match nodes.iter().find(|node| node.name == *name) {
            Some(node) => of(node),
            None => {
                Some(Away { name: name.clone(), reason: "the cluster has no Node of this name".into(), missing: true })
            }
        })
        .collect()
}

/// One line that counts, for whoever watches.
pub fn phase(args: &Args, nodes: &[Node], away: &[Away]) -> String {
    let all = if args.nodes.is_empty() { nodes.len() } else { args.nodes.len() };
    let names: Vec<&str> = away.iter().map(|away| away.name.as_str()).collect();
    format!("{} of {all} nodes are Ready, waiting for {}", all - away.len(), names.join(", "))
}

/// The result, or the failure, which has the same fields.
pub fn outcome(nodes: &[Node], away: &[Away], waited: Duration, checking: bool) -> anyhow::Result<Outcome> {
    let ready = nodes.iter().filter(|node| node.ready).count();
    let not_ready: Vec<_> = away.iter().map(|away| json!({"name": away.name, "reason": away.reason})).collect();
    let outcome = Outcome::new()
        .msg(format!("{ready} of {} nodes are Ready", nodes.len()))
        .field("nodes", nodes)
        .field("not_ready", not_ready);
    if away.is_empty() || checking {
        return Ok(outcome);
    }
    let each: Vec<String> = away.iter().map(|away| format!("{} ({})", away.name, away.reason)).collect();
    Err(Failure::new(format!("not Ready after {} s: {}", waited.as_secs(), each.join("; "))).with(outcome).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, ready: bool) -> Node {
        Node {
            name: name.into(),
            control_plane: false,
            ready,
            reason: (!ready).then(|| "no network".to_owned()),
            version: String::new(),
            address: None,
            machine_id: String::new(),
            system_uuid: String::new(),
        }
    }

    fn args(nodes: &[&str]) -> Args {
        Args { nodes: nodes.iter().map(|name| (*name).to_owned()).collect(), timeout: 4, kubeconfig: "/k".into() }
    }

    fn names(asked: &[&str], nodes: &[Node]) -> Vec<String> {
        away(&args(asked), nodes).into_iter().map(|away| away.name).collect()
    }

    #[test]
    fn all_are_waited_for_or_those_that_were_named() {
        let nodes = [node("a", true), node("b", false)];
        assert_eq!(names(&[], &nodes), ["b"]);
        assert!(names(&["a"], &nodes).is_empty());
        assert_eq!(names(&["a", "c"], &nodes), ["c"]);
    }

    #[test]
    fn the_failure_names_each_with_its_reason_and_has_the_fields_of_the_answer() {
        let (args, nodes) = (args(&["a", "c"]), [node("a", false)]);
        let away = away(&args, &nodes);
        assert_eq!(phase(&args, &nodes, &away), "0 of 2 nodes are Ready, waiting for a, c");
        let waited = Duration::from_secs(4);
        let error = outcome(&nodes, &away, waited, false).unwrap_err().to_string();
        assert_eq!(error, "not Ready after 4 s: a (no network); c (the cluster has no Node of this name)");
        assert!(outcome(&nodes, &away, waited, true).is_ok());
    }
}
