//! Real processes end, and only those that were meant; judged by /proc and by the children's own exit.
#![cfg(feature = "processes")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
#![allow(clippy::disallowed_methods, reason = "the fixtures are real processes, started without the code under test")]

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use host::deadline::Deadline;
use host::processes::{Kind, Owned, end, list, owned};
use testkit::{Sandbox, require};

const SOCKETS: [&str; 1] = ["/run/containerd/containerd.sock"];

/// The shell, under another name: what `exe` shows is what counts.
fn program(dir: &Path, name: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::copy("/bin/dash", &path).unwrap();
    path
}

/// Started, and past its exec.
fn start(program: &Path, argv: &[&str]) -> Child {
    let mut command = Command::new(program);
    let child = command.args(argv).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let exe = format!("/proc/{}/exe", child.id());
    while std::fs::read_link(&exe).unwrap() != program {}
    child
}

fn found() -> Vec<Owned> {
    owned(&list().unwrap(), &SOCKETS)
}

fn wait_until(what: impl Fn() -> bool) {
    let started = Instant::now();
    while !what() {
        assert!(started.elapsed() < Duration::from_secs(10));
        std::thread::yield_now();
    }
}

#[test]
fn kubelet_and_shims_with_their_children_end_and_everything_else_lives() {
    if !require("file:/bin/dash") {
        return;
    }
    Sandbox::new().run(|| {
        let dir = tempfile::tempdir().unwrap();
        let shim = program(dir.path(), "containerd-shim-runc-v2");
        let mine = program(dir.path(), "not-kubelet");
        let fork = "sleep 1000 & sleep 1000 & read x";
        let socket = "/run/containerd/containerd.sock";
        let mut kubelet = start(&program(dir.path(), "kubelet"), &["-c", "read x"]);
        let mut ours = start(&shim, &["-c", fork, "-namespace", "k8s.io", "-id", "1", "-address", socket]);
        let mut dockers = start(&shim, &["-c", fork, "-namespace", "moby", "-id", "2", "-address", socket]);
        let mut other = start(&mine, &["-c", "read x", "kubelet", "-namespace", "k8s.io"]);
        wait_until(|| list().unwrap().iter().filter(|p| p.program() == Some("sleep")).count() == 4);

        let plan = found();
        let kinds: Vec<_> = plan.iter().map(|owned| owned.kind).collect();
        assert_eq!(kinds, [Kind::Kubelet, Kind::Pod, Kind::Pod, Kind::Shim]);
        let started = Instant::now();
        let deadline = Deadline::after(Duration::from_secs(20));
        // Nobody collects the kubelet and the shim here: a zombie has ended.
        assert_eq!(end(&plan, &deadline).unwrap(), []);
        assert!(started.elapsed() < Duration::from_secs(2));
        assert_eq!(kubelet.wait().unwrap().signal(), Some(15));
        assert_eq!(ours.wait().unwrap().signal(), Some(9));
        assert!(dockers.try_wait().unwrap().is_none() && other.try_wait().unwrap().is_none());
        assert_eq!(list().unwrap().iter().filter(|p| p.program() == Some("sleep") && p.state != 'Z').count(), 2);
        assert_eq!(found(), []);
    });
}

#[test]
fn a_daemon_that_ignores_sigterm_is_killed_after_its_grace() {
    if !require("file:/bin/dash") {
        return;
    }
    Sandbox::new().run(|| {
        let dir = tempfile::tempdir().unwrap();
        let mut kubelet = start(&program(dir.path(), "kubelet"), &["-c", "trap '' TERM; echo ready; read x; read x"]);
        let status = format!("/proc/{}/status", kubelet.id());
        let ignores = || {
            std::fs::read_to_string(&status).unwrap().lines().any(|l| l.starts_with("SigIgn") && l.ends_with("4000"))
        };
        wait_until(ignores);
        let (began, grace) = (Instant::now(), Duration::from_millis(300));
        let left = end(&found(), &Deadline::after(grace)).unwrap();
        assert!(began.elapsed() >= grace, "the grace takes all the time there is");
        // It is killed then: whether the last look still meets it is up to the scheduler.
        assert!(left.len() <= 1, "{left:?}");
        assert_eq!(end(&found(), &Deadline::after(Duration::from_secs(20))).unwrap(), []);
        assert_eq!(kubelet.wait().unwrap().signal(), Some(9));
    });
}

#[test]
fn a_number_that_is_somebody_elses_by_now_is_left_alone() {
    Sandbox::new().run(|| {
        let mut bystander = Command::new("sleep").arg("1000").process_group(0).spawn().unwrap();
        let stale = Owned {
            pid: bystander.id() as i32,
            started: 1,
            kind: Kind::Shim,
            program: "containerd-shim-runc-v2".to_owned(),
            reason: String::new(),
        };
        assert_eq!(end(&[stale], &Deadline::after(Duration::from_secs(5))).unwrap(), []);
        assert!(bystander.try_wait().unwrap().is_none());
        bystander.kill().unwrap();
        bystander.wait().unwrap();
    });
}
