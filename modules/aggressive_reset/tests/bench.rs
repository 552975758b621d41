//! How long a reset takes, beside what does the same work by hand:
//!
//!     cargo test --profile rehearsal -p aggressive_reset --test bench -- --ignored --nocapture
//!
//! 200 mounts, 5,000 files and 500 firewall chains, all in memory, so that the disk says nothing. Every subject gets the
//! same state, round by round in turn, and is held to having done all of its work. Lines for programs:
//! `BENCH <group> <subject> <median seconds> <runs>`, with tabs. `KUBE_BIN_DIR` adds its `kubeadm reset`.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement prints, and its effects never leave the sandbox"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{Sandbox, require};

const RUNS: usize = 7;
/// The project's own bound, on two cores.
const BOUND: Duration = Duration::from_secs(2);

const STATE: &str = r#"
mkdir -p /var/lib/kubelet/v /var/lib/containerd /run/kubejoin; cd /var/lib/kubelet/v
for i in {1..200}; do mkdir -p $i; mount --bind /srv/data $i; done
cd /var/lib/containerd; mkdir d{1..50}; for d in d*; do touch $d/{1..100}; done
{ echo '*nat'; for i in {1..500}; do echo ":KUBE-SVC-$i - [0:0]"; done; for i in {1..500}; do echo "-A KUBE-SVC-$i -s 10.244.0.0/16 -j MASQUERADE"; done
  echo '-A POSTROUTING -j KUBE-SVC-1'; echo COMMIT; } | iptables-nft-restore --noflush
"#;
const UNMOUNT_AND_RM: &str =
    "for m in /var/lib/kubelet/v/*; do umount -R $m; done; rm -rf /var/lib/kubelet/* /var/lib/containerd/*";
const IPTABLES: &str = "iptables-nft -t nat -D POSTROUTING -j KUBE-SVC-1
for i in {1..500}; do iptables-nft -t nat -F KUBE-SVC-$i; iptables-nft -t nat -X KUBE-SVC-$i; done";
const FILES_LEFT: &str =
    "findmnt -rno TARGET | grep -c ^/var/lib/kubelet/; find /var/lib/kubelet /var/lib/containerd -mindepth 1 | wc -l";
const CHAINS_LEFT: &str = "iptables-nft-save -t nat | grep -c KUBE";

/// What is done, and what must be nought afterwards.
struct Group {
    name: &'static str,
    left: &'static str,
    subjects: Vec<(String, Box<dyn Fn()>)>,
}

fn bash(script: &str) -> String {
    let output = Command::new("bash").args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn module(options: Value) -> Box<dyn Fn()> {
    Box::new(move || {
        let done = testkit::run_module(env!("CARGO_BIN_EXE_aggressive_reset"), options.clone(), false);
        assert_eq!(done["failed"], Value::Null, "{done}");
    })
}

fn by_hand(script: String) -> Box<dyn Fn()> {
    Box::new(move || {
        bash(&script);
    })
}

fn groups() -> Vec<Group> {
    let ours =
        |scope: Value| ("aggressive_reset".to_owned(), module(json!({"preserve": ["/srv/data"], "scope": scope})));
    let shell = |name: &str, script: &str| (name.to_owned(), by_hand(script.to_owned()));
    let mut groups = vec![
        Group {
            name: "200 mounts, 5000 files, 500 chains",
            left: "both",
            subjects: vec![
                ours(Value::Null),
                shell("umount -R, rm -rf, iptables -D -F -X", &format!("{UNMOUNT_AND_RM}; {IPTABLES}")),
            ],
        },
        Group {
            name: "200 mounts, 5000 files",
            left: FILES_LEFT,
            subjects: vec![ours(json!(["kubelet", "containerd"])), shell("umount -R, rm -rf", UNMOUNT_AND_RM)],
        },
        Group {
            name: "500 chains",
            left: CHAINS_LEFT,
            subjects: vec![ours(json!(["firewall"])), shell("iptables -D -F -X", IPTABLES)],
        },
    ];
    if let Ok(directory) = std::env::var("KUBE_BIN_DIR") {
        let script = format!("{directory}/kubeadm reset --force; rm -rf /var/lib/containerd/*");
        groups[1].subjects.push(("kubeadm reset, rm -rf".to_owned(), by_hand(script)));
    }
    groups
}

#[test]
#[ignore = "a measurement"]
fn bench_reset_beside_what_does_the_same_by_hand() {
    if !require("root") || !require("program:iptables-nft-restore") {
        return;
    }
    let directory = std::env::var("KUBE_BIN_DIR").unwrap_or_default();
    let mut sandbox = Sandbox::new().empty("/srv");
    if !directory.is_empty() {
        sandbox = sandbox.env("KUBE_BIN_DIR", directory);
    }
    sandbox.run(|| {
        // One file system for all of it: with a mount table as long as this, what one program does wrong costs it most.
        bash("mkdir -p /srv/data /srv/var/lib; echo x > /srv/data/x; mount --bind /srv/var /var; mount -t tmpfs run /run");
        for group in groups() {
            let mut times = vec![Vec::new(); group.subjects.len()];
            for _round in 0..RUNS {
                for (subject, times) in group.subjects.iter().zip(&mut times) {
                    bash(&format!("set -e; {STATE}"));
                    let started = Instant::now();
                    subject.1();
                    times.push(started.elapsed());
                    let left = if group.left == "both" { [FILES_LEFT, CHAINS_LEFT].join(";") } else { group.left.to_owned() };
                    let left = bash(&left);
                    assert!(left.split_whitespace().all(|count| count == "0"), "{} left {left}", subject.0);
                    bash(&format!("{UNMOUNT_AND_RM}; iptables-nft -t nat -F; iptables-nft -t nat -X"));
                }
            }
            report(&group, times);
        }
        let nothing = Instant::now();
        module(json!({"preserve": ["/srv/data"]}))();
        println!("nothing to do: {:.2} s", nothing.elapsed().as_secs_f64());
    });
}

fn report(group: &Group, mut times: Vec<Vec<Duration>>) {
    let medians: Vec<Duration> = times
        .iter_mut()
        .map(|times| {
            times.sort();
            times[times.len() / 2]
        })
        .collect();
    for ((subject, _), median) in group.subjects.iter().zip(&medians) {
        println!("BENCH\t{}\t{subject}\t{:.3}\t{RUNS}", group.name, median.as_secs_f64());
    }
    for ((subject, _), median) in group.subjects.iter().zip(&medians).skip(1) {
        println!("{}: {:.1} times as fast as {subject}", group.name, median.as_secs_f64() / medians[0].as_secs_f64());
    }
    assert!(medians[0] < BOUND, "{}: {:?}", group.name, medians[0]);
}
