//! The built binary, run as Ansible runs it, on a machine without Kubernetes, container runtime and systemd: every check
//! still says what it found.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use testkit::Sandbox;

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_join_prerequisites"), options, check)
}

fn bare_machine() -> Sandbox {
    Sandbox::new().empty("/etc").empty("/run").scratch("/var")
}

fn checks(answer: &Value) -> &Vec<Value> {
    answer["checks"].as_array().unwrap()
}

#[test]
fn each_check_says_what_it_found_and_wanted_and_how_to_mend() {
    bare_machine().run(|| {
        let answer = module(json!({"fail_on": "never"}), false);
        assert_eq!((&answer["changed"], &answer["ready"]), (&json!(false), &json!(false)), "{answer}");
        assert!(checks(&answer).len() >= 15, "{answer}");
        for check in checks(&answer) {
            let text = |key: &str| check[key].as_str().unwrap_or_default();
            assert!(["ok", "warn", "fail"].contains(&text("status")), "{check}");
            assert!(!text("name").is_empty() && !text("found").is_empty() && !text("wanted").is_empty(), "{check}");
            assert!(text("status") == "ok" || !text("mend").is_empty(), "no way out: {check}");
        }
        let failing: Vec<&Value> =
            checks(&answer).iter().filter(|c| c["status"] == "fail").map(|c| &c["name"]).collect();
        assert_eq!(json!(failing), answer["failed_checks"]);
        let runtime = failing.iter().any(|name| name.as_str().unwrap().contains("runtime"));
        assert!(runtime, "nothing says that no container runtime answers: {failing:?}");
    });
}

#[test]
fn a_failing_check_fails_the_task_with_its_own_words() {
    bare_machine().run(|| {
        let answer = module(json!({}), false);
        let msg = answer["msg"].as_str().unwrap();
        let first = checks(&answer).iter().find(|check| check["status"] == "fail").unwrap();
        assert!(answer["failed"] == true && msg.starts_with(first["name"].as_str().unwrap()), "{msg}");
        assert!(msg.contains(first["mend"].as_str().unwrap()), "{msg}");
    });
}

#[test]
fn check_mode_mends_nothing() {
    bare_machine().run(|| {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();
        let answer = module(json!({"fix": true, "fail_on": "never"}), true);
        assert_eq!((&answer["changed"], &answer["steps"]), (&json!(true), &json!([])), "{answer}");
        assert_eq!(std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "0\n");
        assert!(!std::path::Path::new("/etc/sysctl.d").exists());
        assert!(answer["diff"][0]["after"].as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    });
}

#[test]
fn bad_input_names_the_option_and_what_is_right() {
    bare_machine().run(|| {
        for (options, words) in [
            (json!({"control_plane_endpoint": "a b"}), ["control_plane_endpoint", "a b"]),
            (json!({"ca_cert_hashes": ["sha256:1"]}), ["ca_cert_hashes", "64"]),
            (json!({"cri_socket": "containerd"}), ["cri_socket", "containerd"]),
            (json!({"control_plane_version": "new"}), ["control_plane_version", "1.31.2"]),
            (json!({"token_id": "abcdef.0123456789abcdef"}), ["token_id", "six"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
            assert!(!answer.to_string().contains("0123456789abcdef"), "a secret is shown: {answer}");
        }
    });
}
