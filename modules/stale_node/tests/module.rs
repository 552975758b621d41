//! The built binary, run as Ansible runs it, with a kubectl that gives the recorded Node of a real cluster and notes what
//! it was asked for.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use testkit::Sandbox;

const MACHINE: &str = "a31fd7e07c504f73bb14b10bb339fc84";
const ASKED: &str = "/run/asked";

fn module(options: Value, check: bool) -> Value {
    let mut all = json!({"node_name": "w1", "machine_id": MACHINE, "system_uuid": system_uuid()});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    testkit::run_module(env!("CARGO_BIN_EXE_stale_node"), all, check)
}

fn system_uuid() -> String {
    let node: Value = serde_json::from_str(include_str!("data/node-w1.json")).unwrap();
    node["status"]["nodeInfo"]["systemUUID"].as_str().unwrap().to_owned()
}

/// A control plane whose cluster has that Node.
fn control_plane() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run")
}

fn with_kubectl() {
    std::fs::write("/run/node.json", include_str!("data/node-w1.json")).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>{ASKED}\ncase \"$*\" in *' get node w1 '*|*'/api/v1/nodes/w1') cat /run/node.json ;;\n\
             *' get '*) echo 'Error from server (NotFound): nodes \"x\" not found' >&2; exit 1 ;; esac\n"
    );
    std::fs::write("/usr/local/bin/kubectl", script).unwrap();
    std::fs::set_permissions("/usr/local/bin/kubectl", PermissionsExt::from_mode(0o755)).unwrap();
}

fn deleted() -> bool {
    std::fs::read_to_string(ASKED).unwrap_or_default().contains(" delete ")
}

#[test]
fn the_node_of_this_machine_is_deleted_and_check_mode_only_says_so() {
    control_plane().run(|| {
        with_kubectl();
        let check = module(json!({}), true);
        assert_eq!((&check["changed"], deleted()), (&json!(true), false), "{check}");
        let done = module(json!({}), false);
        assert_eq!(
            (&done["changed"], &done["deleted"], &done["same_machine"]),
            (&json!(true), &json!(true), &json!(true))
        );
        assert_eq!((&done["ready"], &done["diff"]), (&json!("True"), &check["diff"]));
        let asked = std::fs::read_to_string(ASKED).unwrap();
        assert!(
            asked.contains("--kubeconfig /etc/kubernetes/admin.conf") && asked.contains("delete node w1"),
            "{asked}"
        );
    });
}

#[test]
fn a_node_that_is_not_there_changes_nothing() {
    control_plane().run(|| {
        with_kubectl();
        let answer = module(json!({"node_name": "w9"}), false);
        assert_eq!(
            (&answer["changed"], &answer["deleted"], deleted()),
            (&json!(false), &json!(false), false),
            "{answer}"
        );
    });
}

#[test]
fn another_machines_node_is_refused_and_stays() {
    control_plane().run(|| {
        with_kubectl();
        let other = "ffffffffffffffffffffffffffffffff";
        let answer = module(json!({"machine_id": other, "system_uuid": other}), false);
        assert_eq!(
            (&answer["failed"], &answer["same_machine"], deleted()),
            (&json!(true), &json!(false), false),
            "{answer}"
        );
        assert!(answer["msg"].as_str().unwrap().contains("another machine"), "{answer}");
    });
}

#[test]
fn bad_input_is_refused_before_the_cluster_is_asked() {
    control_plane().run(|| {
        with_kubectl();
        for (options, words) in [
            (json!({"node_name": "W1"}), ["node_name", "W1"]),
            (json!({"machine_id": ""}), ["machine_id", "hexadecimal"]),
            (json!({"system_uuid": "Not Specified"}), ["system_uuid", "Not Specified"]),
            (json!({"force": true}), ["force", "stale_node"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
        }
        assert!(!std::path::Path::new(ASKED).exists());
    });
}

#[test]
fn a_machine_without_kubectl_is_told_in_one_sentence() {
    Sandbox::new().empty("/usr/local/bin").run(|| {
        if std::process::Command::new("kubectl").output().is_ok() {
            return;
        }
        let answer = module(json!({}), false);
        assert!(answer["failed"] == true && answer["msg"].as_str().unwrap().contains("kubectl"), "{answer}");
    });
}
