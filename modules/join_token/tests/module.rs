//! The built binary, run as Ansible runs it, on a control plane whose kubeadm gives two tokens and notes what it was told.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use testkit::Sandbox;

const ASKED: &str = "/run/asked";
const NEW: &str = "cccccc.0123456789abcdef";
const ADMIN: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {server: 'https://10.0.0.1:6443'}\ncontexts:\n- name: x\n  context: {cluster: c, user: u}\ncurrent-context: x\nusers: []\n";

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_join_token"), options, check)
}

fn control_plane() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run").empty("/etc")
}

/// `ours` is how long the token with our description is still valid; the other one is somebody else's.
fn with_token(ours: &str) {
    std::fs::create_dir_all("/etc/kubernetes/pki").unwrap();
    std::fs::write("/etc/kubernetes/admin.conf", ADMIN).unwrap();
    std::fs::write("/etc/kubernetes/pki/ca.crt", include_str!("../../../crates/kubeadm/tests/data/ca.crt")).unwrap();
    let token = |id: &str, about: &str, end: &str| {
        format!(
            "{{\"token\":\"{id}.0123456789abcdef\",\"description\":\"{about}\",\"expires\":\"'$(date -u -d '{end}' +%FT%TZ)'\",\"usages\":[\"signing\",\"authentication\"]}}"
        )
    };
    let list = format!("{}\n{}", token("aaaaaa", "somebody else", "+20 hours"), token("bbbbbb", "kubejoin", ours));
    let script =
        format!("#!/bin/sh\necho \"$*\" >>{ASKED}\ncase \"$2\" in list) echo '{list}' ;; create) echo {NEW} ;; esac\n");
    std::fs::write("/usr/local/bin/kubeadm", script).unwrap();
    std::fs::set_permissions("/usr/local/bin/kubeadm", PermissionsExt::from_mode(0o755)).unwrap();
}

fn asked() -> String {
    std::fs::read_to_string(ASKED).unwrap_or_default()
}

#[test]
fn a_token_of_ours_that_is_valid_long_enough_is_given_again() {
    control_plane().run(|| {
        with_token("+20 minutes");
        let answer = module(json!({}), false);
        assert_eq!(
            (&answer["changed"], &answer["token"]),
            (&json!(false), &json!("bbbbbb.0123456789abcdef")),
            "{answer}"
        );
        let hash = format!(
            "sha256:{}",
            include_str!("../../../crates/kubeadm/tests/data/ca.sha256").trim().trim_start_matches("sha256:")
        );
        let join =
            json!({"control_plane_endpoint": "10.0.0.1:6443", "token": answer["token"], "ca_cert_hashes": [hash]});
        assert_eq!(answer["join"], join);
        assert!(!answer["msg"].as_str().unwrap().contains("0123456789abcdef"), "{answer}");
    });
}

#[test]
fn one_that_ends_soon_is_replaced_and_check_mode_makes_none() {
    control_plane().run(|| {
        with_token("+5 minutes");
        let check = module(json!({}), true);
        assert_eq!((&check["changed"], &check["token"]), (&json!(true), &Value::Null), "{check}");
        assert!(!asked().contains("create"));
        let done = module(json!({"ttl": "2h"}), false);
        assert_eq!((&done["changed"], &done["token"]), (&json!(true), &json!(NEW)), "{done}");
        assert!(asked().contains("token create --ttl 2h --description kubejoin"), "{}", asked());
        assert!(!asked().contains("0123456789abcdef"), "a token was an argument: {}", asked());
    });
}

#[test]
fn absent_deletes_ours_by_id_and_nobody_elses() {
    control_plane().run(|| {
        with_token("+20 minutes");
        assert_eq!(module(json!({"state": "absent"}), true)["changed"], true);
        assert!(!asked().contains("delete"));
        let done = module(json!({"state": "absent"}), false);
        assert_eq!((&done["changed"], &done["token"]), (&json!(true), &Value::Null), "{done}");
        assert!(asked().contains("token delete bbbbbb --kubeconfig") && !asked().contains("aaaaaa"), "{}", asked());
    });
}

#[test]
fn who_asks_for_the_ca_gets_no_token_and_nobody_reads_one() {
    control_plane().run(|| {
        with_token("+20 minutes");
        for check in [true, false] {
            let answer = module(json!({"state": "ca"}), check);
            assert_eq!(
                (&answer["changed"], &answer["control_plane_endpoint"]),
                (&json!(false), &json!("10.0.0.1:6443"))
            );
            assert!(answer["ca_cert_hashes"][0].as_str().unwrap().starts_with("sha256:"), "{answer}");
            assert!(!answer.to_string().contains("0123456789abcdef") && answer.get("join").is_none(), "{answer}");
        }
        assert_eq!(asked(), "");
    });
}

#[test]
fn bad_input_and_a_machine_that_is_no_control_plane_are_one_sentence() {
    control_plane().run(|| {
        with_token("+20 minutes");
        for (options, words) in [
            (json!({"ttl": "soon"}), ["ttl", "soon"]),
            (json!({"ttl": "30s"}), ["ttl", "1m"]),
            (json!({"min_left": "1h"}), ["min_left", "less than ttl"]),
            (json!({"description": "a;b"}), ["description", "a;b"]),
            (json!({"kubeconfig": "/etc/none.conf"}), ["/etc/none.conf", "control plane"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
        }
        assert_eq!(asked(), "");
    });
}
