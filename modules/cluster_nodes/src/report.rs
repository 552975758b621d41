//! The answer. Pure.

use crate::apply::Waited;
use crate::args::Args;
use crate::node::Node;
use crate::plan::Away;
use ansible::{Failure, Outcome};
use serde_json::json;

/// What a look showed.
pub fn outcome(nodes: &[Node], away: &[Away]) -> Outcome {
    let ready = nodes.iter().filter(|node| node.ready).count();
    let not_ready: Vec<_> = away.iter().map(|away| json!({"name": away.name, "reason": away.reason})).collect();
    Outcome::new()
        .msg(format!("{ready} of {} nodes are Ready", nodes.len()))
        .field("nodes", nodes)
        .field("not_ready", not_ready)
}

/// What the waiting came to: the result, or the failure, which has the same fields.
pub fn verdict(args: &Args, waited: &Waited) -> anyhow::Result<Outcome> {
    let outcome = outcome(&waited.nodes, &waited.away);
    if waited.away.is_empty() {
        return Ok(outcome);
    }
    let each: Vec<String> = waited.away.iter().map(|away| format!("{} ({})", away.name, away.reason)).collect();
    Err(Failure::new(format!("not Ready after {} s: {}", args.timeout, each.join("; "))).with(outcome).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

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

    #[test]
    fn the_failure_names_each_with_its_reason_and_has_the_fields_of_the_answer() {
        let (args, nodes) = (args(&["a", "c"]), vec![node("a", false)]);
        let away = Plan::of(&args, &nodes).away;
        assert_eq!(Plan::phase(&args, &nodes, &away), "0 of 2 nodes are Ready, waiting for a, c");
        let error = verdict(&args, &Waited { nodes, away }).unwrap_err().to_string();
        assert_eq!(error, "not Ready after 4 s: a (no network); c (the cluster has no Node of this name)");
    }
}
