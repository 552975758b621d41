//! Units, through `systemctl`: key=value output only, which is stable across versions.
//!
//! D-Bus would cost 0.8 MB in every binary (measured) and say the same.

use crate::deadline::Deadline;
use crate::process::Program;
use anyhow::Context as _;
use std::collections::BTreeMap;

/// Properties of a unit, as `systemctl show` prints them. A unit that does not exist has `LoadState=not-found`.
pub fn show(unit: &str, properties: &[&str], deadline: &Deadline) -> anyhow::Result<BTreeMap<String, String>> {
    let list = properties.join(",");
    let output =
        Program::new("systemctl").args(["show", "--no-pager", "--property", &list, "--", unit]).run(deadline)?;
    Ok(parse(&output.success()?.stdout_text()))
}

/// `KEY=VALUE` lines; a value may contain `=` and, as the last one wins, a key may repeat.
fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// What the unit does right now: `active`, `inactive`, `failed`, `activating`, …
pub fn active_state(unit: &str, deadline: &Deadline) -> anyhow::Result<String> {
    Ok(show(unit, &["ActiveState"], deadline)?.remove("ActiveState").unwrap_or_default())
}

/// Whether a unit in this state runs or is on its way to.
pub fn is_up(active_state: &str) -> bool {
    matches!(active_state, "active" | "activating" | "reloading")
}

/// Starts a unit and waits until it is up.
pub fn start(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("start", unit, deadline)
}

/// Stops a unit and waits until it is down.
pub fn stop(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("stop", unit, deadline)
}

/// Restarts a unit and waits until it is up.
pub fn restart(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("restart", unit, deadline)
}

/// Starts a unit at boot.
pub fn enable(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("enable", unit, deadline)
}

/// Does not start a unit at boot.
pub fn disable(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("disable", unit, deadline)
}

/// Makes a unit impossible to start. Fails when the unit file itself lies in /etc/systemd/system (systemd 252, run).
pub fn mask(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("mask", unit, deadline)
}

/// Takes a mask away.
pub fn unmask(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("unmask", unit, deadline)
}

/// Forgets that a unit failed, so that its start limit starts anew.
pub fn reset_failed(unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    verb("reset-failed", unit, deadline)
}

/// Reads unit files and drop-ins anew.
pub fn daemon_reload(deadline: &Deadline) -> anyhow::Result<()> {
    Program::new("systemctl").args(["daemon-reload"]).run(deadline)?.success().map(drop)
}

fn verb(verb: &str, unit: &str, deadline: &Deadline) -> anyhow::Result<()> {
    let output = Program::new("systemctl").args([verb, "--quiet", "--no-pager", "--", unit]).run(deadline)?;
    output.success().map(drop).with_context(|| format!("{verb} of unit {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_equal_signs() {
        let parsed = parse("LoadState=loaded\nExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet $X }\n\n");
        assert_eq!(parsed["LoadState"], "loaded");
        assert!(parsed["ExecStart"].contains("argv[]=/usr/bin/kubelet"));
    }
}
