//! Delete, nothing, or a refusal. Pure.

use crate::args::Args;
use crate::observe::Node;
use ansible::{Diff, Failure};
use kubeadm::identity::is_same;

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// There is no such Node.
    Nothing,
    /// The Node of this name is the same machine's.
    Delete(String),
}

/// Decides.
pub fn plan(args: &Args, node: Option<&Node>) -> anyhow::Result<Plan> {
    let Some(node) = node else { return Ok(Plan::Nothing) };
    if node.control_plane {
        return refuse(args, node, "it is a control plane, which is never deleted here".into());
    }
    if args.gone {
        return match node.ready.as_str() {
            "Unknown" => Ok(Plan::Delete(args.node_name.clone())),
            ready => refuse(
                args,
                node,
                format!(
                    "its kubelet talks to the cluster (Ready is {ready}), so the machine is there: take it out without node_gone, or turn it off and wait a minute"
                ),
            ),
        };
    }
    let same = |found: &str, given: &Option<String>| given.as_ref().is_some_and(|given| is_same(found, given));
    let (machine, system) = (same(&node.machine_id, &args.machine_id), same(&node.system_uuid, &args.system_uuid));
    match (machine, system) {
        (true, true) => Ok(Plan::Delete(args.node_name.clone())),
        (false, true) if args.reinstalled => Ok(Plan::Delete(args.node_name.clone())),
        (false, true) => refuse(
            args,
            node,
            format!(
                "its system UUID is this machine's and its machine id is not ({} instead of {}): the machine was installed anew, or is a copy; set reinstalled if it was installed anew",
                node.machine_id,
                args.machine_id.as_deref().unwrap_or_default()
            ),
        ),
        _ => refuse(
            args,
            node,
            format!(
                "it is another machine with the same name (machine id {}, system UUID {}): rename one of the two",
                node.machine_id, node.system_uuid
            ),
        ),
    }
}

fn refuse(args: &Args, node: &Node, why: String) -> anyhow::Result<Plan> {
    let msg = format!("not deleting Node {}: {why}", args.node_name);
    Err(Failure::new(msg).field("deleted", false).field("same_machine", false).field("ready", &node.ready).into())
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        *self == Plan::Nothing
    }

    fn diff(&self) -> Vec<Diff> {
        match self {
            Plan::Nothing => Vec::new(),
            Plan::Delete(name) => vec![Diff::new(name, "Node\n", "")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MACHINE: &str = "a31fd7e07c504f73bb14b10bb339fc84";
    const SYSTEM: &str = "4C4C4544-0042-3510-8052-B4C04F4E3432";

    fn args(machine: &str, system: &str) -> Args {
        Args {
            node_name: "w1".into(),
            machine_id: Some(machine.into()),
            system_uuid: Some(system.into()),
            reinstalled: false,
            gone: false,
            kubeconfig: "/k".into(),
        }
    }

    fn node() -> Node {
        Node {
            machine_id: MACHINE.into(),
            system_uuid: SYSTEM.to_lowercase(),
            ready: "True".into(),
            control_plane: false,
        }
    }

    fn why(args: &Args, node: &Node) -> String {
        plan(args, Some(node)).unwrap_err().to_string()
    }

    #[test]
    fn the_same_machine_is_deleted_however_its_uuid_is_spelled() {
        assert_eq!(plan(&args(MACHINE, SYSTEM), Some(&node())).unwrap(), Plan::Delete("w1".into()));
        assert_eq!(plan(&args(MACHINE, SYSTEM), None).unwrap(), Plan::Nothing);
    }

    #[test]
    fn another_machine_is_refused() {
        let other = "ffffffffffffffffffffffffffffffff";
        assert!(why(&args(MACHINE, other), &node()).contains("another machine"));
        assert!(why(&args(other, other), &node()).contains("another machine"));
        assert!(
            why(&args(MACHINE, SYSTEM), &Node { system_uuid: String::new(), ..node() }).contains("another machine")
        );
    }

    #[test]
    fn a_reinstalled_machine_needs_to_be_called_one() {
        let new = args("00000000000000000000000000000000", SYSTEM);
        assert!(why(&new, &node()).contains("set reinstalled"));
        assert_eq!(plan(&Args { reinstalled: true, ..new }, Some(&node())).unwrap(), Plan::Delete("w1".into()));
    }

    #[test]
    fn a_control_plane_is_never_deleted() {
        let plane = Node { control_plane: true, ..node() };
        assert!(why(&args(MACHINE, SYSTEM), &plane).contains("control plane"));
    }

    #[test]
    fn the_node_of_a_machine_that_is_gone_is_deleted_only_when_it_has_fallen_silent() {
        let gone = Args { machine_id: None, system_uuid: None, gone: true, ..args(MACHINE, SYSTEM) };
        assert!(gone.validate().is_ok() && Args { gone: false, ..gone.clone() }.validate().is_err());
        for ready in ["True", "False"] {
            assert!(why(&gone, &Node { ready: ready.into(), ..node() }).contains("so the machine is there"));
        }
        let silent = Node { ready: "Unknown".into(), ..node() };
        assert_eq!(plan(&gone, Some(&silent)).unwrap(), Plan::Delete("w1".into()));
        assert!(why(&gone, &Node { control_plane: true, ..silent }).contains("control plane"));
    }

    #[test]
    fn an_empty_identity_is_no_identity() {
        assert!(args("", SYSTEM).validate().is_err() && args(MACHINE, "").validate().is_err());
        assert!(args("----------------", SYSTEM).validate().is_err());
    }

    proptest! {
        #[test]
        fn what_was_deleted_leaves_nothing_to_delete_and_a_refusal_stays_one(
            machine in "[0-9a-f]{32}|", same in any::<bool>(), reinstalled in any::<bool>(), control_plane in any::<bool>()
        ) {
            let asked = Args { reinstalled, ..args(MACHINE, SYSTEM) };
            let machine_id = if same { MACHINE.to_owned() } else { machine };
            let found = Node { machine_id, control_plane, ..node() };
            match plan(&asked, Some(&found)) {
                Ok(Plan::Delete(_)) => prop_assert_eq!(plan(&asked, None).unwrap(), Plan::Nothing),
                Ok(Plan::Nothing) => prop_assert!(false, "a Node that is there is no reason to do nothing without a word"),
                Err(_) => prop_assert!(plan(&asked, Some(&found)).is_err()),
            }
        }
    }
}
