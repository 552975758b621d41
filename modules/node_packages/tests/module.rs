//! The built binary with the machine's own apt and dpkg, on overlays, and a signed repository on loopback.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an oracle does not share the code it judges"
)]

mod bed;

use bed::{Bed, module, sh};
use serde_json::json;
use std::path::Path;

const SOURCE: &str = "/etc/apt/sources.list.d/kubejoin-kubernetes.sources";

fn installed(version: &str) -> bool {
    let all = "dpkg-query -W -f '${db:Status-Abbrev}${Version} ' kubeadm kubelet kubectl 2>/dev/null";
    sh(all) == format!("hi {version} hi {version} hi {version} ")
}

#[test]
fn a_machine_gets_what_a_node_needs_and_a_second_run_changes_nothing() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        let before = bed.state();
        let check = module(bed.options("1.33"), true);
        let steps = check["steps"].to_string();
        assert!(check["changed"] == true && steps.contains("install kubelet 1.33.2-1.1"), "{check}");
        assert!(check["diff"].to_string().contains("Signed-By: /etc/apt/keyrings/kubejoin-kubernetes.asc"), "{check}");
        assert_eq!(bed.state(), before, "check mode has changed the machine");

        let done = module(bed.options("1.33"), false);
        assert!(done["changed"] == true && done["packages"]["kubeadm"] == "1.33.2-1.1", "{done}");
        assert!(installed("1.33.2-1.1"), "{}", sh("dpkg -l kubeadm kubelet kubectl"));
        assert_eq!(sh("cat /var/lib/kubelet-may-start"), "101\n");
        assert!(!Path::new("/usr/sbin/policy-rc.d").exists() && sh("ls -d /run/kubejoin-apt-* 2>/dev/null").is_empty());
        let key = std::fs::read_to_string("/etc/apt/keyrings/kubejoin-kubernetes.asc").unwrap();
        assert!(key.starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"), "{key}");
        // apt itself reads what was written.
        let apt =
            "apt-get -o Dir::Etc::SourceParts=/dev/null -o APT::Update::Error-Mode=any update -o Dir::Etc::SourceList=";
        assert_eq!(sh(&format!("{apt}{SOURCE} >/dev/null 2>&1; echo $?")), "0\n");

        bed.stop();
        for check in [true, false] {
            let again = module(bed.options("1.33"), check);
            assert!(again["changed"] == false && again["msg"] == "Kubernetes 1.33.2 is installed", "{again}");
        }
        let free = module(bed.with("1.33", json!({"hold": false})), false);
        assert!(free["changed"] == true && sh("apt-mark showhold").is_empty(), "{free}");
        let held = module(bed.options("1.33"), false);
        assert!(held["changed"] == true && installed("1.33.2-1.1"), "{held}");
    });
}

#[test]
fn what_a_repository_gets_wrong_is_one_sentence_and_leaves_the_machine_as_it_was() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        let before = bed.state();
        for (version, words) in [
            ("1.29", "it is signed with another key than the one that was given"),
            ("1.28", "is not a key of OpenPGP"),
            ("1.25", "the key that it is signed with has expired"),
            ("1.26", "expired"),
            ("1.27", "downloading the packages: it does not have a file that is wanted of it"),
            ("1.30", "there is no space left: they take"),
            ("1.32", "; it has 1.25, 1.26, 1.27, 1.28, 1.29, 1.30, 1.31, 1.33, 1.34, 1.35"),
            ("1.33.7", "does not have it; of 1.33 it has 1.33.2"),
            ("1.35", "none with kubeadm, kubelet and kubectl"),
        ] {
            let answer = module(bed.options(version), false);
            let msg = answer["msg"].as_str().unwrap();
            println!("{version}: {msg}");
            assert!(
                answer["failed"] == true && answer["changed"] == false && msg.contains(words),
                "{version}: {answer}"
            );
            assert!(!msg.contains('\n') && msg.len() < 700, "{version}: {msg}");
            assert_eq!(bed.state(), before, "{version} has changed the machine");
        }
        let mistyped = module(bed.with("1.33", json!({"kubernetes_key": "/etc/hostname"})), false);
        assert!(
            mistyped["msg"].as_str().unwrap().starts_with("option kubernetes_key: what /etc/hostname holds is not")
        );
        let nowhere = module(bed.with("1.33", json!({"kubernetes_repository": "http://127.0.0.1:9"})), false);
        assert!(nowhere["msg"].as_str().unwrap().contains("it cannot be reached"), "{nowhere}");
        assert_eq!(bed.state(), before);
    });
}

#[test]
fn what_no_repository_can_make_right_is_refused_before_one_is_asked() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        // Whoever asked it would say that it cannot be reached.
        let with = |version: &str, more: serde_json::Value| {
            let mut options = bed.with(version, more);
            options["kubernetes_repository"] = json!("http://127.0.0.1:9");
            module(options, false)["msg"].as_str().unwrap().to_owned()
        };
        for (cluster, how) in [("v1.32.1", "newer"), ("1.34.0", "older")] {
            let msg = with("1.33", json!({"cluster_version": cluster}));
            assert!(
                msg.contains(&format!(
                    "is 1.33, which is {how} than the cluster's control plane v{}",
                    cluster.trim_start_matches('v')
                )),
                "{msg}"
            );
        }
        assert!(module(bed.options("1.33"), false)["failed"].is_null());
        let msg = with("1.31", json!({}));
        assert!(
            msg.contains("this machine has v1.33.2: going back to an older version wants allow_downgrade"),
            "{msg}"
        );
        std::fs::create_dir_all("/etc/kubernetes").unwrap();
        std::fs::write("/etc/kubernetes/kubelet.conf", "").unwrap();
        let msg = with("1.34", json!({}));
        assert!(
            msg.contains("kubernetes_version is 1.34, and the cluster that is here has this node with v1.33.2"),
            "{msg}"
        );
        let absent = module(bed.with("1.33", json!({"state": "absent"})), false);
        assert!(absent["msg"].as_str().unwrap().contains("a reset comes first"), "{absent}");
        std::fs::remove_file("/etc/kubernetes/kubelet.conf").unwrap();

        let back = module(bed.with("1.31", json!({"allow_downgrade": true})), false);
        assert!(back["failed"].is_null() && installed("1.31.4-1.1"), "{back}");
        let absent = module(bed.with("1.33", json!({"state": "absent"})), false);
        assert!(
            absent["changed"] == true && sh("dpkg-query -W -f '${db:Status-Abbrev}' kubeadm 2>/dev/null") != "ii ",
            "{absent}"
        );
        assert!(!Path::new(SOURCE).exists() && sh("command -v containerd").contains("containerd"));
        let again = module(bed.with("1.33", json!({"state": "absent"})), false);
        assert_eq!(again["changed"], false, "{again}");
    });
}

#[test]
fn without_a_version_nothing_is_installed_and_what_is_missing_is_named() {
    Bed::sandbox().run(|| {
        bed::bare();
        let answer = module(json!({}), false);
        assert_eq!(answer["changed"], false);
        let msg = answer["msg"].as_str().unwrap();
        assert!(
            msg.starts_with("option kubernetes_version is not given") && msg.contains("kubeadm, kubelet, kubectl"),
            "{msg}"
        );
        assert!(
            answer["warnings"][0]
                .as_str()
                .unwrap()
                .contains("option kubernetes_version, such as 1.36, has it installed")
        );
    });
}

#[test]
fn another_package_manager_is_waited_for_by_name_and_not_for_ever() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        let before = bed.state();
        let mut holder = bed::lock_holder(60.0);
        let late = module(bed.with("1.33", json!({"timeout": 30})), false);
        let msg = late["msg"].as_str().unwrap();
        assert!(
            msg.contains(&format!(
                "process {} (python3), which has /var/lib/dpkg/lock-frontend, still holds it after",
                holder.id()
            )),
            "{msg}"
        );
        assert_eq!(bed.state(), before);
        holder.kill().unwrap();
        holder.wait().unwrap();
        let mut holder = bed::lock_holder(4.0);
        let waited = module(bed.options("1.33"), false);
        holder.wait().unwrap();
        assert!(waited["failed"].is_null() && installed("1.33.2-1.1"), "{waited}");
    });
}

#[test]
fn a_run_that_is_killed_at_any_point_is_finished_by_the_next_one() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        let mut ended = 0;
        for round in 0..10 {
            let whom = if round % 2 == 0 { "node_packages" } else { "apt-get" };
            ended += u32::from(bed.killed("1.33", whom, 30 * (round + 1)));
        }
        assert!(ended >= 3, "only {ended} runs were ended before they were done");
        let done = module(bed.options("1.33"), false);
        assert!(done["failed"].is_null() && installed("1.33.2-1.1"), "{done}");
        assert!(!Path::new("/usr/sbin/policy-rc.d").exists() && sh("ls -d /run/kubejoin-apt-* 2>/dev/null").is_empty());
        assert_eq!(sh("dpkg --audit"), "");
        assert_eq!(module(bed.options("1.33"), false)["changed"], false);
    });
}

#[test]
fn a_package_that_could_not_be_configured_is_finished_by_the_next_run() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        std::fs::write("/run/fail-kubelet", "").unwrap();
        let half = module(bed.options("1.33"), false);
        let msg = half["msg"].as_str().unwrap();
        assert!(half["failed"] == true && half["changed"] == true && msg.contains("kubelet"), "{half}");
        assert!(msg.starts_with("what was begun is finished by a further run: installing the packages: "), "{msg}");
        let missing = module(json!({}), false);
        assert!(missing["msg"].as_str().unwrap().contains("kubelet (installed only half way)"), "{missing}");
        std::fs::remove_file("/run/fail-kubelet").unwrap();
        let done = module(bed.options("1.33"), false);
        assert!(done["failed"].is_null() && installed("1.33.2-1.1"), "{done}");
        assert_eq!(module(bed.options("1.33"), false)["changed"], false);
    });
}

/// apt calls itself done with a package whose triggers wait: dpkg has to be asked.
#[test]
fn triggers_that_a_killed_run_has_left_are_run_before_a_package_counts_as_installed() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        assert!(module(bed.options("1.33"), false)["failed"].is_null());
        sh(r"sed -i -e '/^Package: kubelet$/,/^$/s/^Status: .*/Status: hold ok triggers-awaited\nTriggers-Awaited: libc-bin/' \
            -e '/^Package: libc-bin$/,/^$/s/^Status: .*/Status: install ok triggers-pending\nTriggers-Pending: ldconfig/' /var/lib/dpkg/status");
        assert!(sh("dpkg --audit").contains("kubelet"), "dpkg has nothing left to do");
        let done = module(bed.options("1.33"), false);
        assert!(done["failed"].is_null() && installed("1.33.2-1.1"), "{done}");
        assert_eq!(sh("dpkg --audit"), "");
        assert_eq!(module(bed.options("1.33"), false)["changed"], false);
    });
}

#[test]
fn dead_sources_are_switched_off_and_an_administrators_policy_stays() {
    Bed::sandbox().run(|| {
        let bed = Bed::up();
        let list = "deb [signed-by=/usr/share/keyrings/k.gpg] https://apt.kubernetes.io/ kubernetes-xenial main\n";
        std::fs::write("/etc/apt/sources.list.d/kubernetes.list", list).unwrap();
        let same = format!("deb [trusted=yes] {}/core:/stable:/v1.33/deb/ /\n", bed.address);
        std::fs::write("/etc/apt/sources.list.d/mine.list", &same).unwrap();
        bed::executable("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 0\n");
        // As killed runs leave them.
        std::fs::create_dir_all("/run/kubejoin-apt-999999/lists/partial").unwrap();
        let done = module(bed.options("1.33"), false);
        assert!(done["failed"].is_null() && installed("1.33.2-1.1"), "{done}");
        assert!(
            std::fs::read_to_string("/etc/apt/sources.list.d/kubernetes.list")
                .unwrap()
                .ends_with(&format!("\n# {list}"))
        );
        assert!(
            std::fs::read_to_string("/etc/apt/sources.list.d/mine.list").unwrap().ends_with(&format!("\n# {same}"))
        );
        assert_eq!(std::fs::read_to_string("/usr/sbin/policy-rc.d").unwrap(), "#!/bin/sh\nexit 0\n");
        assert_eq!(
            sh("cat /var/lib/kubelet-may-start"),
            "101\n",
            "the administrator's policy allows it, ours must not"
        );
        assert!(sh("ls -d /run/kubejoin-apt-* 2>/dev/null").is_empty());
    });
}

#[test]
fn bad_options_name_the_option_and_what_would_be_right() {
    for (options, words) in [
        (json!({"kubernetes_version": "latest"}), ["kubernetes_version", "1.36.2"]),
        (json!({"kubernetes_repository": "pkgs"}), ["kubernetes_repository", "https://"]),
        (json!({"kubernetes_key": "abc"}), ["kubernetes_key", "BEGIN PGP"]),
        (json!({"cluster_version": "x"}), ["cluster_version", "1.36.2"]),
        (json!({"packages": ["-o=x"]}), ["packages", "-o=x"]),
        (json!({"timeout": 1}), ["timeout", "10 to 7200"]),
        (json!({"containerd": "repository"}), ["containerd", "containerd_repository"]),
    ] {
        let answer = module(options.clone(), true);
        let msg = answer["msg"].as_str().unwrap();
        assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{options}: {msg}");
    }
}
