//! What is told of the Node.

use crate::args::Args;
use crate::observe::Node;
use crate::plan::Plan;
use ansible::Outcome;

/// `deleted`, `same_machine`, and `ready`: the Node's Ready condition as it was found.
pub fn report(args: &Args, node: Option<&Node>, plan: &Plan) -> Outcome {
    let (deleted, msg) = match plan {
        Plan::Nothing => (false, format!("there is no Node {}", args.node_name)),
        Plan::Delete(name) if args.gone => (true, format!("Node {name}, whose machine is gone, is deleted")),
        Plan::Delete(name) => (true, format!("Node {name} of this same machine is deleted")),
    };
    Outcome::new()
        .msg(msg)
        .field("deleted", deleted)
        .field("same_machine", deleted && !args.gone)
        .field("ready", node.map(|node| node.ready.clone()))
}
