//! A systemctl that hangs, ignores SIGTERM, prints megabytes or what is no text: one line before the deadline is over.
//!
//! It is a stand-in, bound over the real one in a sandbox: what is tested is this side of the pipe.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code; an oracle does not share the code it judges"
)]

use host::deadline::Deadline;
use host::systemd;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::{Sandbox, require};

/// Puts `script` in the place of systemctl, for this sandbox.
fn pose(script: &str) {
    std::fs::write("/mnt/systemctl", format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions("/mnt/systemctl", std::fs::Permissions::from_mode(0o755)).unwrap();
    let bound = Command::new("mount").args(["--bind", "/mnt/systemctl", "/usr/bin/systemctl"]).status().unwrap();
    assert!(bound.success());
}

fn runnable() -> bool {
    require("root") && require("file:/usr/bin/systemctl")
}

#[test]
fn one_that_hangs_and_ignores_sigterm_costs_no_more_than_the_deadline() {
    if !runnable() {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        pose("trap '' TERM; while :; do sleep 60; done");
        for ask in [
            |deadline: &Deadline| systemd::show("kubelet.service", &["LoadState"], deadline).map(drop),
            |deadline: &Deadline| systemd::stop("kubelet.service", deadline),
            |deadline: &Deadline| systemd::daemon_reload(deadline),
        ] {
            let started = Instant::now();
            let said = format!("{:#}", ask(&Deadline::after(Duration::from_millis(500))).unwrap_err());
            assert!(said.contains("systemctl") && !said.contains('\n'), "{said}");
            assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
        }
    });
}

#[test]
fn one_that_prints_megabytes_or_no_text_is_read_with_a_bound() {
    if !runnable() {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        pose("printf 'LoadState=lo\\377aded\\nActiveState=active\\n'; head -c 50000000 /dev/zero; printf '\\nSubState=x\\n'");
        let shown = systemd::show("kubelet.service", &["ActiveState"], &Deadline::after(Duration::from_secs(60)));
        let size: usize = shown.iter().flatten().map(|(key, value)| key.len() + value.len()).sum();
        assert!(size < 20_000_000, "{size} bytes are kept of it");
        if let Err(error) = shown {
            assert!(!format!("{error:#}").contains('\n'), "{error:#}");
        }
    });
}

#[test]
fn one_that_fails_with_several_lines_is_one_line() {
    if !runnable() {
        return;
    }
    Sandbox::new().empty("/mnt").run(|| {
        pose("printf 'Failed to connect to bus: No such file or directory\\nsecond\\033[31m line\\n' >&2; exit 1");
        let why = systemd::start("kubelet.service", &Deadline::after(Duration::from_secs(20))).unwrap_err();
        let said = format!("{why:#}");
        assert!(said.contains("Failed to connect to bus") && !said.contains(['\n', '\u{1b}']), "{said:?}");
    });
}
