//! The mending. It is safe: it adds what Kubernetes needs and takes nothing away that somebody may want.
//!
//! Not among them: firewall, packages, files of an earlier join, the clock. Those are the administrator's, or a reset's.
//! Swap only when that is asked for by its own option.

use crate::fix::Fix;
use crate::observe::ipv6;
use crate::settings::{FORWARDING, IPV6_FORWARDING, MODULES};
use crate::swap;
use anyhow::{Context as _, ensure};
use host::deadline::{Deadline, Look};
use host::process::Program;
use host::{files, systemd};
use kubeadm::gate::KUBELET;
use kubeadm::{dropin, program};
use std::path::Path;
use std::time::Duration;

/// A runtime that is restarted answers within this, or does not.
const RUNTIME_UP: Duration = Duration::from_secs(30);
const INOTIFY: [(&str, u64); 2] = [("fs.inotify.max_user_instances", 1024), ("fs.inotify.max_user_watches", 524_288)];
const MODULES_FILE: &str = "/etc/modules-load.d/kubejoin.conf";
const SYSCTL_FILE: &str = "/etc/sysctl.d/90-kubejoin.conf";
const IPV6_FILE: &str = "/etc/sysctl.d/90-kubejoin-ipv6.conf";
const INOTIFY_FILE: &str = "/etc/sysctl.d/90-kubejoin-inotify.conf";

/// Mends one. What was changed goes into `done`, in words, as it is changed: after an error that is what stays.
pub fn apply(fix: Fix, socket: &str, deadline: &Deadline, done: &mut Vec<String>) -> anyhow::Result<()> {
    match fix {
        Fix::Kernel => kernel(deadline, done),
        Fix::Ipv6 => ipv6(done),
        Fix::Inotify => inotify(done),
        Fix::DropIn => {
            done.extend(dropin::mend(KUBELET, deadline)?);
            Ok(())
        }
        Fix::Swap => swap::off(deadline, done),
        Fix::Runtime => runtime(socket, deadline, done),
    }
}

fn kernel(deadline: &Deadline, done: &mut Vec<String>) -> anyhow::Result<()> {
    for module in MODULES.iter().filter(|module| !Path::new("/sys/module").join(module).exists()) {
        // Built in, or not to be had in a container: whether that matters the sysctl tells.
        let loaded = Program::new("modprobe").args([module]).env("PATH", program::search_path()).run(deadline);
        if loaded.is_ok_and(|output| output.status.success()) {
            done.push(format!("loaded kernel module {module}"));
        }
    }
    for name in FORWARDING {
        done.extend(raise(name, 1)?);
    }
    done.extend(keep(MODULES_FILE, MODULES.iter().map(|module| format!("{module}\n")).collect())?);
    // A leading - lets a setting be absent, as the bridge's are before their module is loaded.
    done.extend(keep(SYSCTL_FILE, FORWARDING.iter().map(|name| format!("-{name} = 1\n")).collect())?);
    Ok(())
}

/// What heeds advertisements comes first: a kernel that forwards has dropped the routes before the next setting is made.
fn ipv6(done: &mut Vec<String>) -> anyhow::Result<()> {
    let links = ipv6::learned();
    for link in &links {
        done.extend(raise(&format!("net/ipv6/conf/{link}/accept_ra"), 2)?);
    }
    done.extend(raise(IPV6_FORWARDING, 1)?);
    let left = ipv6::learned();
    let lost: Vec<&str> = links.iter().filter(|link| !left.contains(link)).map(String::as_str).collect();
    ensure!(lost.is_empty(), "{} has lost the default route that it had from a router advertisement", lost.join(", "));
    // What an earlier run has written for an interface that is down now stays.
    let before = files::read_text(IPV6_FILE)?.unwrap_or_default();
    let mut lines: Vec<String> = before.lines().filter(|line| line.contains("/accept_ra")).map(str::to_owned).collect();
    // With slashes, because a name may have a dot.
    lines.extend(links.iter().map(|link| format!("-net/ipv6/conf/{link}/accept_ra = 2")));
    lines.sort_unstable();
    lines.dedup();
    lines.push(format!("{IPV6_FORWARDING} = 1"));
    done.extend(keep(IPV6_FILE, lines.iter().map(|line| format!("{line}\n")).collect())?);
    Ok(())
}

fn inotify(done: &mut Vec<String>) -> anyhow::Result<()> {
    let before = done.len();
    for (name, least) in INOTIFY {
        done.extend(raise(name, least)?);
    }
    if done.len() > before {
        done.extend(keep(INOTIFY_FILE, INOTIFY.iter().map(|(name, least)| format!("{name} = {least}\n")).collect())?);
    }
    Ok(())
}

/// Sets a number that is lower; one that does not exist is left.
fn raise(name: &str, least: u64) -> anyhow::Result<Option<String>> {
    // As sysctl reads it: in a name with slashes a dot is one of an interface's name.
    let path = format!("/proc/sys/{}", if name.contains('/') { name.to_owned() } else { name.replace('.', "/") });
    let now = files::read_text(&path)?.and_then(|text| text.trim().parse::<u64>().ok());
    if now.is_none_or(|now| now >= least) {
        return Ok(None);
    }
    // /proc is no place for a temporary file and a rename.
    let write = || {
        std::io::Write::write_all(&mut std::fs::File::options().write(true).open(&path)?, least.to_string().as_bytes())
    };
    write().with_context(|| format!("setting {name} to {least}"))?;
    Ok(Some(format!("set {name} to {least}")))
}

/// The same at every boot.
fn keep(path: &str, text: String) -> anyhow::Result<Option<String>> {
    if files::read_text(path)?.as_deref() == Some(&text) {
        return Ok(None);
    }
    if let Some(dir) = Path::new(path).parent() {
        files::make_dir(dir, 0o755)?;
    }
    files::write_atomic(path, text.as_bytes(), 0o644)?;
    Ok(Some(format!("wrote {path}")))
}

fn runtime(socket: &str, deadline: &Deadline, done: &mut Vec<String>) -> anyhow::Result<()> {
    let unit = cri::unit(socket);
    systemd::reset_failed(unit, deadline)?;
    systemd::restart(unit, deadline)?;
    done.push(format!("restarted {unit}"));
    let limit = deadline.at_most(RUNTIME_UP);
    limit.poll(Duration::from_millis(250), &format!("an answer from {unit}"), || {
        Ok(match cri::Client::connect(socket, &limit) {
            Ok(_) => Look::Ready(()),
            // It does answer, and a server that has started loads no plugin any more.
            Err(error @ cri::Error::NoCri { .. }) => return Err(error.into()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })
}
