//! The sandbox holds what it promises, seen from inside and from outside.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "an oracle does not share the code it judges")]
#![allow(clippy::zombie_processes, reason = "leaving a process behind is what one test is about")]

use std::path::Path;
use std::process::Command;

use testkit::{Sandbox, require};

const KINDS: [&str; 5] = ["mnt", "net", "uts", "ipc", "pid"];

fn namespaces() -> String {
    KINDS.map(|kind| std::fs::read_link(format!("/proc/self/ns/{kind}")).unwrap().display().to_string()).join(" ")
}

#[test]
fn is_a_process_in_namespaces_of_its_own() {
    Sandbox::new().env("OUTSIDE", namespaces()).run(|| {
        let outside = std::env::var("OUTSIDE").unwrap();
        for (here, there) in namespaces().split(' ').zip(outside.split(' ')) {
            assert_ne!(here, there);
        }
        let links = Command::new("ip").args(["-o", "link"]).output().unwrap();
        assert_eq!(String::from_utf8(links.stdout).unwrap().lines().count(), 1, "only lo");
        assert!(Path::new("/sys/class/net/lo").exists());
        assert!(!Path::new("/sys/class/net/eth0").exists());
        let read = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert_eq!(read, std::fs::read_to_string("/proc/thread-self/mountinfo").unwrap());
    });
}

#[test]
fn empty_and_scratch_directories_leave_the_machine_alone() {
    if !require("root") || !require("fs:overlay") {
        return;
    }
    let probe = Path::new("/etc/testkit-probe");
    Sandbox::new().empty("/run").empty("/run/below").scratch("/etc").run(|| {
        let probe = Path::new("/etc/testkit-probe");
        assert_eq!(std::fs::read_dir("/run").unwrap().count(), 1);
        assert!(Path::new("/etc/passwd").exists());
        std::fs::write(probe, "x").unwrap();
        std::fs::remove_file("/etc/passwd").unwrap();
    });
    assert!(!probe.exists());
    assert!(Path::new("/etc/passwd").exists());
}

#[test]
#[should_panic(expected = "failed inside its sandbox")]
fn a_failing_body_fails_the_test() {
    Sandbox::new().run(|| assert_eq!(1, 2, "on purpose"));
}

#[test]
fn what_the_body_starts_dies_with_it() {
    let seconds = format!("3600.{}", std::process::id());
    Sandbox::new().env("SECONDS", &seconds).run(|| {
        Command::new("sleep").arg(std::env::var("SECONDS").unwrap()).spawn().unwrap();
    });
    let left = Command::new("pgrep").args(["-fx", &format!("sleep {seconds}")]).output().unwrap();
    assert!(left.stdout.is_empty(), "still running: {}", String::from_utf8_lossy(&left.stdout));
}

#[test]
fn what_follows_the_sandbox_runs_outside_only() {
    Sandbox::new().run(|| ());
    assert!(std::env::var_os("TESTKIT_SANDBOX").is_none());
}
