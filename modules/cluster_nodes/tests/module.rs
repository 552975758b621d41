//! The built binary, run as Ansible runs it, with a kubectl that gives a Node of a real cluster, Ready from its second answer
//! on.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use testkit::Sandbox;

const ASKED: &str = "/run/asked";

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_cluster_nodes"), options, check)
}

fn control_plane() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run").empty("/etc")
}

/// A cluster with that Node, Ready once it was asked for `late` times.
fn with_cluster(late: u32) {
    std::fs::create_dir("/etc/kubernetes").unwrap();
    std::fs::write("/etc/kubernetes/admin.conf", "").unwrap();
    let ready: Value = serde_json::from_str(include_str!("data/node-w1.json")).unwrap();
    let mut down = ready.clone();
    let conditions = down["status"]["conditions"].as_array_mut().unwrap();
    let condition = conditions.iter_mut().find(|condition| condition["type"] == "Ready").unwrap();
    (condition["status"], condition["message"]) = (json!("False"), json!("cni plugin not initialized"));
    std::fs::write("/run/ready", json!({"items": [ready]}).to_string()).unwrap();
    std::fs::write("/run/down", json!({"items": [down]}).to_string()).unwrap();
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>{ASKED}\n[ $(wc -l <{ASKED}) -gt {late} ] && exec cat /run/ready\ncat /run/down\n"
    );
    std::fs::write("/usr/local/bin/kubectl", script).unwrap();
    std::fs::set_permissions("/usr/local/bin/kubectl", PermissionsExt::from_mode(0o755)).unwrap();
}

#[test]
fn nodes_are_waited_for_and_told() {
    control_plane().run(|| {
        with_cluster(1);
        let answer = module(json!({"nodes": "w1", "timeout": 30}), false);
        assert_eq!((&answer["changed"], &answer["msg"]), (&json!(false), &json!("1 of 1 nodes are Ready")), "{answer}");
        assert_eq!((&answer["nodes"][0]["name"], &answer["nodes"][0]["ready"]), (&json!("w1"), &json!(true)));
        assert_eq!(std::fs::read_to_string(ASKED).unwrap().lines().count(), 2);
    });
}

#[test]
fn who_is_not_ready_in_time_is_named_with_the_reason_and_check_mode_does_not_wait() {
    control_plane().run(|| {
        with_cluster(99);
        let check = module(json!({}), true);
        assert_eq!((&check["failed"], &check["not_ready"][0]["name"]), (&Value::Null, &json!("w1")), "{check}");
        assert_eq!(std::fs::read_to_string(ASKED).unwrap().lines().count(), 1);
        let late = module(json!({"nodes": ["w1", "w9"], "timeout": 1}), false);
        let msg = "not Ready after 1 s: w1 (cni plugin not initialized); w9 (the cluster has no Node of this name)";
        assert_eq!((&late["failed"], &late["msg"]), (&json!(true), &json!(msg)), "{late}");
        assert_eq!(late["nodes"][0]["ready"], json!(false));
    });
}

#[test]
fn a_node_that_is_not_there_is_told_within_seconds_for_no_waiting_brings_it() {
    control_plane().run(|| {
        with_cluster(0);
        let began = std::time::Instant::now();
        let answer = module(json!({"nodes": ["w1", "w9"], "timeout": 60}), false);
        let msg = answer["msg"].as_str().unwrap();
        assert!(msg.ends_with(" s: w9 (the cluster has no Node of this name)"), "{answer}");
        assert_eq!((&answer["failed"], &answer["not_ready"][0]["name"]), (&json!(true), &json!("w9")));
        assert!((5..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    });
}

#[test]
fn bad_input_and_a_machine_that_is_not_a_control_plane_are_one_sentence() {
    control_plane().run(|| {
        with_cluster(0);
        for (options, words) in [
            (json!({"nodes": ["W1"]}), ["nodes", "W1"]),
            (json!({"timeout": -1}), ["timeout", "0 to 7200"]),
            (json!({"kubeconfig": "/etc/none.conf"}), ["/etc/none.conf", "control plane"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
        }
        assert!(!std::path::Path::new(ASKED).exists());
    });
}
