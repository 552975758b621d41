//! The built binary, run as Ansible runs it, up to the point where kubeadm would begin: what it refuses, and check mode.
//! A whole init runs on lab nodes (`tests/lab/main_job`).
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]

use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use testkit::Sandbox;

fn module(options: Value, check: bool) -> Value {
    testkit::run_module(env!("CARGO_BIN_EXE_kubeadm_init_guarded"), options, check)
}

fn program(name: &str, script: &str) {
    let path = format!("/usr/local/bin/{name}");
    std::fs::write(&path, format!("#!/bin/sh\necho {name} \"$*\" >>/run/asked\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A machine with kubeadm and a kubelet's unit.
fn machine() -> Sandbox {
    Sandbox::new().empty("/usr/local/bin").empty("/run").empty("/etc").scratch("/var")
}

fn with_programs() {
    program("kubeadm", "[ \"$1\" = version ] && echo v1.31.2");
    program(
        "systemctl",
        "printf 'LoadState=loaded\\nUnitFileState=enabled\\nFragmentPath=/usr/lib/systemd/system/kubelet.service\\nActiveState=inactive\\n'",
    );
}

fn asked() -> String {
    std::fs::read_to_string("/run/asked").unwrap_or_default()
}

#[test]
fn check_mode_says_that_it_would_and_does_nothing() {
    machine().run(|| {
        with_programs();
        let answer = module(json!({}), true);
        assert_eq!(answer["changed"], true, "{answer}");
        assert!(!asked().contains("kubeadm init") && !Path::new("/etc/kubernetes").exists(), "{}", asked());
        assert!(!Path::new("/var/lib/kubejoin").exists() && !Path::new("/etc/systemd").exists());
    });
}

#[test]
fn what_an_init_would_destroy_is_refused_with_its_class() {
    machine().run(|| {
        with_programs();
        std::fs::create_dir_all("/etc/kubernetes/manifests").unwrap();
        std::fs::write("/etc/kubernetes/manifests/kube-apiserver.yaml", "").unwrap();
        let half = module(json!({}), false);
        assert_eq!((&half["failed"], &half["failure_class"]), (&json!(true), &json!("half_made")), "{half}");
        assert!(half["msg"].as_str().unwrap().contains("kube-apiserver.yaml"), "{half}");
        std::fs::remove_file("/etc/kubernetes/manifests/kube-apiserver.yaml").unwrap();
        std::fs::write("/etc/kubernetes/kubelet.conf", "").unwrap();
        let worker = module(json!({}), false);
        assert_eq!(worker["failure_class"], "joined_elsewhere", "{worker}");
        assert!(!asked().contains("kubeadm init"), "{}", asked());
    });
}

#[test]
fn a_machine_without_kubeadm_is_told_what_to_install() {
    machine().run(|| {
        with_programs();
        std::fs::remove_file("/usr/local/bin/kubeadm").unwrap();
        if ["/usr/bin/kubeadm", "/opt/bin/kubeadm"].iter().any(|path| Path::new(path).exists()) {
            return;
        }
        let answer = module(json!({}), true);
        assert_eq!(
            (&answer["failed"], &answer["failure_class"]),
            (&json!(true), &json!("kubeadm_missing")),
            "{answer}"
        );
        assert!(answer["msg"].as_str().unwrap().contains("install the package kubeadm"), "{answer}");
    });
}

#[test]
fn bad_input_is_refused_before_anything_is_asked() {
    machine().run(|| {
        with_programs();
        for (options, words) in [
            (json!({"pod_network_cidr": "10.244.0.0"}), ["pod_network_cidr", "CIDR"]),
            (json!({"advertise_address": "cp1"}), ["advertise_address", "cp1"]),
            (json!({"kubernetes_version": "new"}), ["kubernetes_version", "1.31.2"]),
            (json!({"timeout": 1}), ["timeout", "30 to 7200"]),
            (json!({"pod_cidr": "10.244.0.0/16"}), ["pod_cidr", "kubeadm_init_guarded"]),
        ] {
            let answer = module(options.clone(), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
        }
        assert_eq!(asked(), "");
    });
}
