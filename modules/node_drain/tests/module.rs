//! The built binary, run as Ansible runs it, with a kubectl that has a Node, pods in files and a budget, and notes what it
//! was asked for.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use testkit::Sandbox;

const KUBECTL: &str = r#"#!/bin/sh
echo "$*" >>/run/asked
list() { printf '{"items":['; sep=; for f in /run/$1/*; do [ -e "$f" ] || continue; printf '%s' "$sep"; cat "$f"; sep=,; done; echo ']}'; }
case "$*" in
*/api/v1/nodes/w1) cat /run/node.json ;;
*/api/v1/nodes/*) echo 'Error from server (NotFound): nodes "x" not found' >&2; exit 1 ;;
*"/api/v1/pods?fieldSelector=spec.nodeName%3Dw1") list pods ;;
*poddisruptionbudgets*) list budgets ;;
*'get --raw /api/v1') echo '{"resources":[{"name":"pods/eviction","version":"v1beta1"}]}' ;;
*' cordon w1') echo cordoned ;;
*eviction*)
    cat >/run/eviction.json
    name=$(echo "$*" | sed 's,.*/pods/\([^/]*\)/eviction.*,\1,')
    for b in /run/budgets/*; do
        [ -e "$b" ] && { echo "Error from server (TooManyRequests): Cannot evict pod as it would violate the pod's disruption budget." >&2; exit 1; }
    done
    rm /run/pods/$name ;;
*) exit 9 ;;
esac
"#;

fn control_plane() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run")
}

/// Node w1 with these pods, each made by a controller of the given kind.
fn with_pods(pods: &[(&str, &str)]) {
    for directory in ["/run/pods", "/run/budgets"] {
        std::fs::create_dir(directory).unwrap();
    }
    let node = json!({"kind": "Node", "metadata": {"name": "w1"}, "spec": {}, "status": {
        "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"machineID": "a".repeat(32), "systemUUID": "b".repeat(32)}}});
    std::fs::write("/run/node.json", node.to_string()).unwrap();
    for (name, owner) in pods {
        let owners = if owner.is_empty() { json!([]) } else { json!([{"kind": owner, "controller": true}]) };
        let pod = json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": owners, "labels": {"app": name}}});
        std::fs::write(format!("/run/pods/{name}"), pod.to_string()).unwrap();
    }
    std::fs::write("/usr/local/bin/kubectl", KUBECTL).unwrap();
    std::fs::set_permissions("/usr/local/bin/kubectl", PermissionsExt::from_mode(0o755)).unwrap();
}

fn module(options: Value, check: bool) -> Value {
    let mut all = json!({"node_name": "w1"});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    testkit::run_module(env!("CARGO_BIN_EXE_node_drain"), all, check)
}

fn asked() -> String {
    std::fs::read_to_string("/run/asked").unwrap_or_default()
}

fn touched() -> bool {
    asked().contains("cordon") || asked().contains("eviction --filename")
}

#[test]
fn pods_go_through_the_eviction_api_and_check_mode_only_names_them() {
    control_plane().run(|| {
        with_pods(&[("web", "ReplicaSet"), ("flannel", "DaemonSet")]);
        let check = module(json!({}), true);
        assert_eq!(
            (&check["changed"], &check["evicted"], touched()),
            (&json!(true), &json!(["shop/web"]), false),
            "{check}"
        );
        let done = module(json!({"machine_id": "A".repeat(32)}), false);
        assert_eq!(
            (&done["changed"], &done["evicted"], &done["kept"]),
            (&json!(true), &json!(["shop/web"]), &json!(["shop/flannel"])),
            "{done}"
        );
        assert!(!Path::new("/run/pods/web").exists() && Path::new("/run/pods/flannel").exists());
        let eviction: Value = serde_json::from_str(&std::fs::read_to_string("/run/eviction.json").unwrap()).unwrap();
        assert_eq!(
            (&eviction["apiVersion"], &eviction["deleteOptions"]["preconditions"]["uid"]),
            (&json!("policy/v1beta1"), &json!("web"))
        );
    });
}

#[test]
fn what_would_be_lost_is_named_and_nothing_is_touched() {
    control_plane().run(|| {
        with_pods(&[("web", "ReplicaSet"), ("bare", "")]);
        for check in [true, false] {
            let answer = module(json!({}), check);
            assert_eq!(
                (&answer["failed"], &answer["blocked"][0]["reason"], touched()),
                (&json!(true), &json!("no_controller"), false),
                "{answer}"
            );
        }
        assert!(
            module(json!({"machine_id": "c".repeat(32)}), false)["msg"].as_str().unwrap().contains("another machine's")
        );
        assert!(!touched() && Path::new("/run/pods/web").exists());
    });
}

#[test]
fn a_budget_is_named_when_the_time_is_over() {
    control_plane().run(|| {
        with_pods(&[("web", "ReplicaSet")]);
        let budget = json!({"metadata": {"name": "keep-web", "namespace": "shop"}, "spec": {"selector": {"matchLabels": {"app": "web"}}}, "status": {"disruptionsAllowed": 0}});
        std::fs::write("/run/budgets/keep", budget.to_string()).unwrap();
        let check = module(json!({}), true);
        assert_eq!(check["blocked"][0]["reason"], "disruption_budget", "{check}");
        let answer = module(json!({"timeout": 2}), false);
        let msg = answer["msg"].as_str().unwrap();
        assert!(answer["failed"] == true && msg.contains("one pod is still there after 2 s: shop/web (the PodDisruptionBudget keep-web"), "{msg}");
        assert!(msg.contains("kubectl uncordon w1") && answer["changed"] == true && answer["blocked"][0]["reason"] == "disruption_budget", "{answer}");
    });
}

#[test]
fn a_node_that_is_not_there_is_no_failure() {
    control_plane().run(|| {
        with_pods(&[]);
        let answer = module(json!({"node_name": "w9"}), false);
        assert_eq!((&answer["changed"], &answer["there"]), (&json!(false), &json!(false)), "{answer}");
    });
}
