//! Who is waited for. Pure.

use crate::args::Args;
use crate::node::Node;

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

/// The waiting, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The Nodes there are.
    pub nodes: Vec<Node>,
    /// Those that are waited for.
    pub away: Vec<Away>,
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.away.is_empty()
    }

    // Waiting changes nothing.
    fn is_change(&self) -> bool {
        false
    }
}

impl Plan {
    /// Decides.
    pub fn of(args: &Args, nodes: Vec<Node>) -> Plan {
        Plan { away: away(args, &nodes), nodes }
    }

    /// One line that counts, for whoever watches.
    pub fn phase(&self, args: &Args) -> String {
        let all = if args.nodes.is_empty() { self.nodes.len() } else { args.nodes.len() };
        let names: Vec<&str> = self.away.iter().map(|away| away.name.as_str()).collect();
        format!("{} of {all} nodes are Ready, waiting for {}", all - self.away.len(), names.join(", "))
    }
}

/// Those that are not there or not Ready, in the order they were asked for.
fn away(args: &Args, nodes: &[Node]) -> Vec<Away> {
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

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn node(name: &str, ready: bool) -> Node {
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

    pub fn args(nodes: &[&str]) -> Args {
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
}
