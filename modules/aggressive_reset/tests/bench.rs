//! How long a reset takes, beside what does the same work by hand:
//!
//!     cargo test --profile rehearsal -p aggressive_reset --test bench -- --ignored --nocapture --test-threads=1
//!
//! 200 mounts, 5,000 files and 500 firewall chains, all in memory, so that the disk says nothing. Every subject gets the
//! same state, round by round in turn, and is held to having done all of its work. Then how each of the three grows by
//! itself. Lines for programs: `BENCH <group> <subject> <median seconds> <runs>`, with tabs. `KUBE_BIN_DIR` adds its
//! `kubeadm reset`, which KUBEADM_STANDS_IN says is no real one; `RESET_BEFORE`, the path of another build of the module, adds
//! that one to every group.
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
/// What all runs may take; a sandbox ends after five minutes.
const MOST: Duration = Duration::from_secs(270);
/// The project's own bound, on two cores.
const BOUND: Duration = Duration::from_secs(2);

/// What a reset finds: bind mounts, files of 100 to a directory, and chains with a rule each.
#[derive(Clone, Copy)]
struct Size {
    mounts: usize,
    files: usize,
    chains: usize,
}

const USUAL: Size = Size { mounts: 200, files: 5000, chains: 500 };

fn state(size: Size) {
    let Size { mounts, files, chains } = size;
    let script = format!(
        r#"set -e; mkdir -p /var/lib/kubelet/pods /var/lib/containerd/io.containerd.x /run/kubejoin; cd /var/lib/kubelet/pods
for ((i = 1; i <= {mounts}; i++)); do mkdir -p $i; mount --bind /srv/data $i; done
cd /var/lib/containerd/io.containerd.x; for ((i = 1; i <= {files}; i += 100)); do mkdir d$i; touch d$i/{{1..100}}; done
{{ echo '*nat'; for ((i = 1; i <= {chains}; i++)); do echo ":KUBE-SVC-$i - [0:0]"; done
  for ((i = 1; i <= {chains}; i++)); do echo "-A KUBE-SVC-$i -s 10.244.0.0/16 -j MASQUERADE"; done
  [ {chains} = 0 ] || echo '-A POSTROUTING -j KUBE-SVC-1'; echo COMMIT; }} | iptables-nft-restore --noflush"#
    );
    bash(&script);
}
const UNMOUNT_AND_RM: &str =
    "for m in /var/lib/kubelet/pods/*; do umount -R $m; done; rm -rf /var/lib/kubelet/* /var/lib/containerd/*";
const IPTABLES: &str = "iptables-nft -t nat -D POSTROUTING -j KUBE-SVC-1
for i in {1..500}; do iptables-nft -t nat -F KUBE-SVC-$i; iptables-nft -t nat -X KUBE-SVC-$i; done";
const LEFT: &str =
    "findmnt -rno TARGET | grep -c ^/var/lib/kubelet/; find /var/lib/kubelet /var/lib/containerd -mindepth 1 | wc -l
iptables-nft-save -t nat | grep -c KUBE";
const ALL: &str = "200 mounts, 5000 files, 500 chains";
const FILES: &str = "200 mounts, 5000 files";
const CHAINS: &str = "500 chains";

/// Group and subject, and how long each run took.
type Times = Vec<((&'static str, &'static str), Vec<Duration>)>;

/// A variable of the environment that says something.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn bash(script: &str) -> String {
    let output = Command::new("bash").args(["-c", script]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

const OURS: &str = env!("CARGO_BIN_EXE_aggressive_reset");

fn module(program: &str, scope: &Value) -> Duration {
    let options = json!({"preserve": ["/srv/data"], "scope": scope});
    let started = Instant::now();
    let done = testkit::run_module(program, options, false);
    assert_eq!(done["failed"], Value::Null, "{done}");
    started.elapsed()
}

fn by_hand(script: &str) -> Duration {
    let started = Instant::now();
    bash(script);
    started.elapsed()
}

/// What is left of mounts, files and chains.
fn left() -> Vec<String> {
    bash(LEFT).split_whitespace().map(str::to_owned).collect()
}

/// Every subject once, each on the same state, and each held to its work.
fn round(kubeadm: Option<&str>) -> Vec<((&'static str, &'static str), Duration)> {
    let state = || state(USUAL);
    let clean = || bash(&format!("{UNMOUNT_AND_RM}; iptables-nft -t nat -F; iptables-nft -t nat -X"));
    state();
    let files = by_hand(UNMOUNT_AND_RM);
    let chains = by_hand(IPTABLES);
    assert_eq!(left(), ["0", "0", "0"], "by hand");
    let mut times = vec![
        ((ALL, "umount -R, rm -rf, iptables -D -F -X"), files + chains),
        ((FILES, "umount -R, rm -rf"), files),
        ((CHAINS, "iptables -D -F -X"), chains),
    ];
    let ours = [
        (ALL, Value::Null, 0..3),
        (FILES, json!(["kubelet", "containerd"]), 0..2),
        (CHAINS, json!(["firewall"]), 2..3),
    ];
    let before = set("RESET_BEFORE");
    let builds = [("aggressive_reset", Some(OURS)), ("aggressive_reset, the other build", before.as_deref())];
    for (group, scope, work) in ours {
        for (subject, program) in builds {
            let Some(program) = program else { continue };
            state();
            times.push(((group, subject), module(program, &scope)));
            assert!(left()[work.clone()].iter().all(|count| count == "0"), "{group}, {subject}: {:?}", left());
            clean();
        }
    }
    if let Some(kubeadm) = kubeadm {
        state();
        let took = by_hand(&format!("{kubeadm} reset --force; rm -rf /var/lib/containerd/*"));
        assert_eq!(left()[..2], ["0", "0"], "kubeadm");
        let stand_in = set("KUBEADM_STANDS_IN").is_some();
        let name = if stand_in { "kubeadm reset (stand-in), rm -rf" } else { "kubeadm reset, rm -rf" };
        times.push(((FILES, name), took));
        clean();
    }
    times
}

#[test]
#[ignore = "a measurement"]
fn bench_reset_beside_what_does_the_same_by_hand() {
    if !require("root") || !require("program:iptables-nft-restore") {
        return;
    }
    let mut sandbox = Sandbox::new().empty("/srv");
    for name in ["KUBE_BIN_DIR", "KUBEADM_STANDS_IN", "RESET_BEFORE"] {
        sandbox = sandbox.env(name, set(name).unwrap_or_default());
    }
    sandbox.run(|| {
        let kubeadm = set("KUBE_BIN_DIR").map(|directory| format!("{directory}/kubeadm"));
        // One file system for all of it: with a mount table as long as this, what one program does wrong costs it most.
        bash("mkdir -p /srv/data /srv/var/lib; echo x > /srv/data/x; mount --bind /srv/var /var; mount -t tmpfs run /run");
        let mut times: Times = Vec::new();
        let started = Instant::now();
        for runs in 0..RUNS {
            // A busy machine: fewer runs, which the lines say, are better than none before the sandbox ends.
            if runs > 0 && started.elapsed() * (runs as u32 + 1) / runs as u32 > MOST {
                println!("stopped after {runs} of {RUNS} runs: this machine is busy");
                break;
            }
            for (subject, time) in round(kubeadm.as_deref()) {
                match times.iter_mut().find(|(known, _)| *known == subject) {
                    Some((_, list)) => list.push(time),
                    None => times.push((subject, vec![time])),
                }
            }
        }
        println!("BENCH\tnothing to do\taggressive_reset\t{:.3}\t1", module(OURS, &Value::Null).as_secs_f64());
        report(times);
    });
}

#[test]
#[ignore = "a measurement"]
fn bench_reset_as_its_work_grows() {
    if !require("root") || !require("program:iptables-nft-restore") {
        return;
    }
    Sandbox::new().empty("/srv").run(|| {
        bash("mkdir -p /srv/data /srv/var/lib; echo x > /srv/data/x; mount --bind /srv/var /var; mount -t tmpfs run /run");
        let none = Size { mounts: 0, files: 0, chains: 0 };
        let started = Instant::now();
        let curves = [("mounts", USUAL.mounts), ("files", USUAL.files), ("chains", USUAL.chains)];
        // The first run of all warms up.
        state(none);
        module(OURS, &Value::Null);
        for (what, usual) in curves {
            for count in [usual / 4, usual / 2, usual, usual * 2] {
                let mut list: Vec<Duration> = Vec::new();
                while list.len() < RUNS && started.elapsed() < MOST {
                    let only = |curve: &str| if what == curve { count } else { 0 };
                    state(Size { mounts: only("mounts"), files: only("files"), chains: only("chains") });
                    list.push(module(OURS, &Value::Null));
                    assert_eq!(left(), ["0", "0", "0"], "{what} {count}");
                }
                list.sort();
                let Some(median) = list.get(list.len() / 2) else { continue };
                println!("BENCH\ta reset, {what} @{count}\taggressive_reset\t{:.3}\t{}", median.as_secs_f64(), list.len());
            }
        }
    });
}

fn report(mut times: Times) {
    let mut medians = Vec::new();
    for ((group, subject), list) in &mut times {
        list.sort();
        medians.push((*group, *subject, list[list.len() / 2].as_secs_f64()));
        println!("BENCH\t{group}\t{subject}\t{:.3}\t{}", list[list.len() / 2].as_secs_f64(), list.len());
    }
    for (group, subject, median) in &medians {
        let ours = medians.iter().find(|other| other.0 == *group && other.1 == "aggressive_reset").map(|other| other.2);
        let (Some(ours), true) = (ours, *subject != "aggressive_reset") else { continue };
        println!("{group}: {:.1} times as fast as {subject}", median / ours);
    }
    let all = medians.iter().find(|(group, subject, _)| (*group, *subject) == (ALL, "aggressive_reset"));
    assert!(all.is_some_and(|(_, _, median)| *median < BOUND.as_secs_f64()), "{medians:?}");
}
