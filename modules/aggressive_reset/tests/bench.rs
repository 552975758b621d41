//! How long a reset takes, next to the programs that do parts of the same work:
//!
//!     cargo test --release -p aggressive_reset --test bench -- --ignored --nocapture
//!
//! 200 mounts, 5,000 files and 500 firewall chains, all in memory, so that the disk says nothing.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement prints, and its effects never leave the sandbox"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use testkit::{Sandbox, require};

const STATE: &str = r#"
mkdir -p /var/lib/kubelet/v /var/lib/containerd /run/kubejoin; cd /var/lib/kubelet/v
for i in $(seq 200); do mkdir $i; mount --bind /srv/data $i; done
cd /var/lib/containerd; mkdir d{1..50}; for d in d*; do touch $d/{1..100}; done
{ echo '*nat'; for i in $(seq 500); do echo ":KUBE-SVC-$i - [0:0]"; done; for i in $(seq 500); do echo "-A KUBE-SVC-$i -s 10.244.0.0/16 -j MASQUERADE"; done; echo COMMIT; } | iptables-nft-restore --noflush
iptables-nft -t nat -A POSTROUTING -j KUBE-SVC-1
"#;

fn bash(script: &str) -> Duration {
    let started = Instant::now();
    let status = Command::new("bash").args(["-ec", script]).status().unwrap();
    assert!(status.success(), "{script}");
    started.elapsed()
}

#[test]
#[ignore = "a measurement"]
fn two_hundred_mounts_five_thousand_files_and_five_hundred_chains() {
    if !require("root") || !require("program:iptables-nft-restore") {
        return;
    }
    Sandbox::new().empty("/srv").run(|| {
        // One file system for all of it: with a mount table as long as this, what one program does wrong costs it most.
        bash("mkdir -p /srv/data /srv/var/lib; echo x > /srv/data/x; mount --bind /srv/var /var; mount -t tmpfs run /run");
        let mut times = Vec::new();
        for _ in 0..3 {
            bash(STATE);
            let started = Instant::now();
            let done = testkit::run_module(env!("CARGO_BIN_EXE_aggressive_reset"), json!({"preserve": ["/srv/data"]}), false);
            times.push(started.elapsed());
            assert_eq!(done["failed"], serde_json::Value::Null, "{done}");
            assert_eq!(done["unmounted"].as_array().unwrap().len(), 200);
        }
        let nothing = Instant::now();
        testkit::run_module(env!("CARGO_BIN_EXE_aggressive_reset"), json!({"preserve": ["/srv/data"]}), false);
        let nothing = nothing.elapsed();
        bash(STATE);
        let umount = bash("cd /; for m in $(findmnt -rno TARGET | grep ^/var/lib/kubelet/); do umount $m; done");
        let rm = bash("rm -rf /var/lib/kubelet/* /var/lib/containerd/*");
        let flush = bash("iptables-nft -t nat -F; iptables-nft -t nat -X");
        let best = times.iter().min().unwrap();
        println!("aggressive_reset, all of it with proof   {best:>10.1?}  ({times:.1?})");
        println!("aggressive_reset, nothing to do          {nothing:>10.1?}");
        println!("umount, once per mount (bash)            {umount:>10.1?}");
        println!("rm -rf                                   {rm:>10.1?}");
        println!("iptables -F; iptables -X (all tables gone) {flush:>8.1?}");
        assert!(*best < Duration::from_secs(2), "{times:?}");
    });
}
