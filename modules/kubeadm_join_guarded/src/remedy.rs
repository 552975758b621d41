//! What can be done about a cause from this node. Each says what it changed, in words.

use crate::args::{Args, Cleanup};
use crate::decide::Remedy;
use crate::leftovers;
use crate::observe::UNIT;
use aggressive_reset::args::Level;
use ansible::Task;
use host::deadline::Deadline;
use host::systemd;
use join_prerequisites::fix::{self, Fix};
use kubeadm::gate::{self, Unit};
use std::path::PathBuf;

/// Does it. An error is the reason why it could not be done.
pub fn apply(remedy: Remedy, args: &Args, task: &Task, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    match remedy {
        Remedy::None => Ok(Vec::new()),
        Remedy::FixKernel => fix::apply(Fix::Kernel, &args.cri_socket, deadline),
        Remedy::RaiseLimits => fix::apply(Fix::Inotify, &args.cri_socket, deadline),
        Remedy::RestartRuntime => fix::apply(Fix::Runtime, &args.cri_socket, deadline),
        Remedy::FixKubelet => kubelet(deadline),
        Remedy::Clean(Cleanup::Leftovers) => {
            systemd::stop(UNIT, deadline)?;
            Ok(leftovers::remove_credentials(deadline)?.into_iter().map(|path| format!("removed {path}")).collect())
        }
        Remedy::Clean(Cleanup::Gentle) => reset(Level::Gentle, args, task, deadline),
        Remedy::Clean(Cleanup::Aggressive) => reset(Level::Aggressive, args, task, deadline),
    }
}

/// The reset of the module that owns it, with all its guards. The parts that no failed join is cured by stay: images and
/// CNI configuration, which the node could not get again by itself, and etcd.
fn reset(level: Level, args: &Args, task: &Task, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    use aggressive_reset::args::Part;
    let gentle = [Part::Pods, Part::Kubelet, Part::Kubernetes];
    let more = [Part::Network, Part::Firewall, Part::Units, Part::Temporary];
    let scope = if level == Level::Gentle { gentle.to_vec() } else { [&gentle[..], &more[..]].concat() };
    let timeout = i64::try_from(deadline.left().as_secs()).unwrap_or(i64::MAX).max(10);
    let preserve = args.preserve.iter().map(PathBuf::from).collect();
    let wanted = aggressive_reset::args::Args {
        preserve,
        scope: Some(scope),
        timeout,
        ..aggressive_reset::args::Args::of(level)
    };
    let outcome = aggressive_reset::reset(&wanted, task)?;
    let words = outcome.get("msg").and_then(|msg| msg.as_str()).unwrap_or_default();
    Ok(vec![format!("{} reset: {words}", level.name())])
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
