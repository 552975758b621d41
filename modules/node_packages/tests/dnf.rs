//! The built binary on a machine that is like Fedora: Debian's dnf and rpm on an rpm database of its own, and a signed
//! repository on loopback whose packages rpmbuild made.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "an oracle does not share the code it judges"
)]

#[allow(dead_code, reason = "the other tests use the rest of it")]
mod bed;

use bed::{module, sh};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use testkit::Sandbox;

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/lab/rpm_repository");
const SOURCE: &str = "/etc/yum.repos.d/kubejoin-kubernetes.repo";

struct Fedora {
    address: String,
    server: Child,
}

impl Fedora {
    /// None, said so, where Debian's packages that it is made of are not there.
    fn up() -> Option<Fedora> {
        let tools = ["dnf", "rpm", "rpmbuild", "rpmsign", "createrepo_c", "curl", "gpg"];
        if let Some(tool) = tools.iter().find(|tool| sh(&format!("command -v {tool}")).is_empty()) {
            println!("SKIP {tool} is not installed");
            assert!(std::env::var("STRICT").is_err(), "{tool} is not installed");
            return None;
        }
        bed::bare();
        std::fs::write("/etc/os-release", "ID=fedora\nPRETTY_NAME=\"Fedora Linux 40\"\nVERSION_ID=40\n").unwrap();
        // Debian's rpm has its database in the home directory.
        std::fs::create_dir_all("/etc/rpm").unwrap();
        std::fs::write("/etc/rpm/macros", "%_dbpath /var/lib/rpm\n").unwrap();
        sh(
            "rm -rf /etc/yum.repos.d /var/lib/rpm /var/lib/dnf /usr/bin/containerd /opt/cni /usr/lib/cni /usr/libexec/cni; mkdir -p /etc/yum.repos.d /var/lib/rpm && rpm --initdb",
        );
        assert_eq!(sh("rpm -qa; rpm -E %_dbpath"), "/var/lib/rpm\n");
        bed::tools();
        // Also as containerd: `containerd github.com/containerd/containerd 2.1.5`.
        bed::executable(
            "/tmp/program",
            "#!/bin/sh\ncase $0 in *containerd) echo containerd x 2.1.5 y;; *) cat /etc/kubernetes-rehearsal.version;; esac\n",
        );
        let (address, server) = bed::serve(Command::new(REPOSITORY).args(["/tmp/served", "/tmp/program"]));
        std::fs::write(
            "/etc/yum.repos.d/fedora.repo",
            format!("[fedora]\nname=Fedora\nbaseurl={address}/other/\ngpgcheck=1\ngpgkey={address}/other/repodata/repomd.xml.key\n"),
        )
        .unwrap();
        Some(Fedora { address, server })
    }

    fn options(&self, version: &str, more: Value) -> Value {
        let mut options = json!({"kubernetes_version": version, "kubernetes_repository": self.address});
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        options
    }
}

impl Drop for Fedora {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn machine() -> Sandbox {
    bed::Bed::sandbox().scratch("/opt")
}

fn installed(name: &str) -> String {
    sh(&format!("rpm -q --qf '%{{VERSION}}-%{{RELEASE}}' {name} || true"))
}

/// What a run that was refused must not have changed.
fn state() -> String {
    sh(
        "rpm -qa | sort; find /etc /usr/bin /opt /var/lib/rpm /var/cache /run -xdev -type f ! -name '*.sqlite*' ! -name .rpm.lock -exec sha256sum {} + | sort -k 2; ls /var/cache",
    )
}

#[test]
fn a_machine_gets_what_a_node_needs_and_a_second_run_changes_nothing() {
    machine().run(|| {
        let Some(fedora) = Fedora::up() else { return };
        let before = state();
        let options = fedora.options("1.33", json!({}));
        let checked = module(options.clone(), true);
        assert!(checked["failed"].is_null() && checked["changed"] == true && checked["plan_ends"] == true, "{checked}");
        assert!(checked["steps"].to_string().contains("install kubeadm 1.33.2-1.1"), "{checked}");
        assert_eq!(state(), before, "check mode has touched something");
        let done = module(options.clone(), false);
        assert!(done["failed"].is_null(), "{done}");
        for name in ["kubeadm", "kubelet", "kubectl"] {
            assert_eq!(installed(name), "1.33.2-1.1", "{name}");
        }
        assert_eq!((installed("containerd").as_str(), installed("kubernetes-cni").as_str()), ("2.1.5-1", "1.4.0-1.1"));
        let source = std::fs::read_to_string(SOURCE).unwrap();
        for line in ["gpgcheck=1", "repo_gpgcheck=1", "exclude=kubelet kubeadm kubectl"] {
            assert!(source.lines().any(|one| one == line), "{source}");
        }
        // What is held back is out of reach for anybody else's dnf.
        assert!(!sh("dnf -q -y repoquery kubelet 2>&1").contains("kubelet-"), "kubelet is not held back");
        assert!(
            Path::new("/etc/systemd/system/multi-user.target.wants/kubelet.service").exists(),
            "not at the next boot"
        );
        assert!(sh("ls -d /var/cache/kubejoin-dnf-* 2>/dev/null").is_empty());
        let again = module(options, false);
        assert_eq!((&again["changed"], &again["steps"]), (&json!(false), &json!([])), "{again}");
    });
}

#[test]
fn what_a_repository_gets_wrong_is_one_sentence_and_leaves_the_machine_as_it_was() {
    machine().run(|| {
        let Some(fedora) = Fedora::up() else { return };
        let before = state();
        for (version, more, words) in [
            ("1.29", json!({}), "its signature could not be checked"),
            ("1.28", json!({}), "is not a key of OpenPGP"),
            ("1.27", json!({}), "a file that is wanted of it"),
            ("1.26", json!({}), "is not signed"),
            ("1.20", json!({}), "option kubernetes_key: fetching"),
            ("1.35", json!({}), "does not have it"),
            ("1.33.7", json!({}), "of 1.33 it has 1.33.0, 1.33.2"),
            ("1.33", json!({"kubernetes_repository": "http://127.0.0.1:1"}), "it cannot be had"),
            ("1.33", json!({"packages": ["no-such"]}), "no source of this machine has the package no-such"),
            ("1.33", json!({"containerd": "present"}), "this machine has no containerd"),
            ("1.33", json!({"cluster_version": "1.31.0"}), "a node joins with the control plane's release"),
        ] {
            let answer = module(fedora.options(version, more), false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && msg.contains(words) && !msg.contains('\n'), "{version}: {msg}");
            assert_eq!(answer["changed"], false, "{answer}");
        }
        assert_eq!(state(), before);
    });
}

#[test]
fn another_version_a_dead_source_and_the_way_back() {
    machine().run(|| {
        let Some(fedora) = Fedora::up() else { return };
        let old = "[kubernetes]\nname=K\nbaseurl=https://packages.cloud.google.com/yum/repos/kubernetes-el7-x86_64\nenabled=1\n";
        std::fs::write("/etc/yum.repos.d/kubernetes.repo", old).unwrap();
        let first = module(fedora.options("1.33.0", json!({"hold": false})), false);
        assert!(first["failed"].is_null() && installed("kubelet") == "1.33.0-1.1", "{first}");
        assert!(std::fs::read_to_string("/etc/yum.repos.d/kubernetes.repo").unwrap().contains("enabled=0"));
        assert!(!std::fs::read_to_string(SOURCE).unwrap().contains("exclude="));
        let newer = module(fedora.options("1.34", json!({})), false);
        assert!(newer["failed"].is_null() && installed("kubelet") == "1.34.1-1.1", "{newer}");
        let back = module(fedora.options("1.33", json!({})), false);
        assert!(back["msg"].as_str().unwrap().contains("wants allow_downgrade"), "{back}");
        let back = module(fedora.options("1.33", json!({"allow_downgrade": true})), false);
        assert!(back["failed"].is_null() && installed("kubelet") == "1.33.2-1.1", "{back}");
        let gone = module(json!({"state": "absent"}), false);
        assert!(gone["failed"].is_null() && installed("kubelet").contains("not installed"), "{gone}");
        assert!(!Path::new(SOURCE).exists() && installed("containerd") == "2.1.5-1");
        assert_eq!(module(json!({"state": "absent"}), false)["changed"], false);
    });
}

#[test]
fn a_run_that_is_killed_is_finished_by_the_next_one_and_suse_is_named() {
    machine().run(|| {
        let Some(fedora) = Fedora::up() else { return };
        let mut child = Command::new(env!("CARGO_BIN_EXE_node_packages"))
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let options = fedora.options("1.33", json!({}));
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), options.to_string().as_bytes()).unwrap();
        while !Path::new(SOURCE).exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let done = module(options, false);
        assert!(done["failed"].is_null() && installed("kubelet") == "1.33.2-1.1", "{done}");
        assert!(sh("ls -d /var/cache/kubejoin-dnf-* 2>/dev/null").is_empty());
        std::fs::write("/etc/os-release", "ID=opensuse-leap\nPRETTY_NAME=\"openSUSE Leap 16\"\n").unwrap();
        let refused = module(fedora.options("1.33", json!({})), false);
        assert!(refused["msg"].as_str().unwrap().contains("not on openSUSE Leap 16"), "{refused}");
    });
}
