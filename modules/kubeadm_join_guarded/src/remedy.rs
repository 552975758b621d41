//! What can be done about a cause from this node. Each says what it changed, in words.

use crate::args::{Args, Cleanup};
use crate::decide::Remedy;
use crate::leftovers;
use crate::observe::UNIT;
use host::deadline::Deadline;
use host::systemd;
use kubeadm::gate::{self, Unit};
use prerequisites::fix::Fix;
use prerequisites::mend;
use reset::args::{Args as Wanted, Level, Part};
use std::path::PathBuf;

/// Does it. An error is the reason why it could not be done.
pub fn apply(remedy: Remedy, args: &Args, phase: &dyn Fn(&str), deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    match remedy {
        Remedy::None => Ok(Vec::new()),
        Remedy::FixKernel => mended(Fix::Kernel, args, deadline),
        Remedy::RaiseLimits => mended(Fix::Inotify, args, deadline),
        Remedy::RestartRuntime => mended(Fix::Runtime, args, deadline),
        Remedy::FixKubelet => kubelet(deadline),
        Remedy::Clean(Cleanup::Leftovers) => {
            systemd::stop(UNIT, deadline)?;
            Ok(leftovers::remove_credentials(deadline)?.into_iter().map(|path| format!("removed {path}")).collect())
        }
        Remedy::Clean(Cleanup::Gentle) => reset(Level::Gentle, args, phase, deadline),
        Remedy::Clean(Cleanup::Aggressive) => reset(Level::Aggressive, args, phase, deadline),
    }
}

fn mended(fix: Fix, args: &Args, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    mend::apply(fix, &args.cri_socket, deadline, &mut done)?;
    Ok(done)
}

/// The whole reset, with all its guards. The parts that no failed join is cured by stay: images and
/// CNI configuration, which the node could not get again by itself, and etcd.
fn reset(level: Level, args: &Args, phase: &dyn Fn(&str), deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let gentle = [Part::Pods, Part::Kubelet, Part::Kubernetes];
    let more = [Part::Network, Part::Firewall, Part::Units, Part::Temporary];
    let scope = if level == Level::Gentle { gentle.to_vec() } else { [&gentle[..], &more[..]].concat() };
    let timeout = i64::try_from(deadline.left().as_secs()).unwrap_or(i64::MAX).max(10);
    let preserve = args.preserve.iter().map(PathBuf::from).collect();
    let wanted = Wanted { preserve, scope: Some(scope), timeout, ..Wanted::of(level) };
    Ok(vec![format!("{} reset: {}", level.name(), reset::within_a_join(&wanted, phase)?)])
}

/// Takes away what keeps the unit from starting. A unit without the kubeadm drop-in gets what that would have set.
fn kubelet(deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let unit = Unit::observe(UNIT, deadline)?;
    let mut done = Vec::new();
    if unit.masked {
        gate::open_for_join(&unit, deadline)?;
        done.push(format!("unmasked {UNIT}"));
    }
    done.extend(kubeadm::dropin::mend(UNIT, deadline)?);
    systemd::daemon_reload(deadline)?;
    systemd::reset_failed(UNIT, deadline)?;
    Ok(done)
}
