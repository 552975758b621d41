//! Pods and images removed through CRI, what pods left behind, and containerd up again at the end, proved.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use cri::{Client, Error, Image, RUNTIME_READY, Sandbox};
use host::deadline::{Deadline, Look};
use host::mounts;
use host::processes::{self, Kind};
use host::{files, systemd};

use super::roots::Roots;
use super::{SOCKET, UNIT, holdings, netns, record};
use crate::done::Done;
use crate::parts::cni;
use crate::trees::targets::CNI_CONF;

/// How long containerd may take to answer after its start.
const ANSWER: Duration = Duration::from_secs(60);
/// How long one pod may take.
const POD: Duration = Duration::from_secs(30);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// How long killed processes may take to be gone.
const END: Duration = Duration::from_secs(15);

/// Removes the pods. Where containerd is wiped anyway, what it could not do itself is done without it.
pub fn remove(wipes: bool, done: &mut Done, deadline: &Deadline) -> Result<()> {
    let (removed, problems) = remove_sandboxes(deadline)?;
    done.pods.extend(removed);
    if wipes {
        done.warnings.extend(problems)
    } else {
        done.problems.extend(problems)
    }
    Ok(())
}

/// Ends the processes of Kubernetes that are there now and of one of these kinds.
pub fn end(which: impl Fn(Kind) -> bool, done: &mut Done, deadline: &Deadline) -> Result<()> {
    let limit = deadline.at_most(END);
    loop {
        let found: Vec<_> = processes()?.into_iter().filter(|process| which(process.kind)).collect();
        let left = processes::end(&found, &limit)?;
        done.problems.extend(left.iter().map(|left| {
            format!("ending process {} ({}): it does not end, state {}", left.pid, left.program, left.state)
        }));
        // A container that is about to start has processes soon that could not be counted: again, until there are none.
        if found.is_empty() || !left.is_empty() || limit.expired() {
            return Ok(());
        }
    }
}

/// Kubernetes' processes, now.
pub fn processes() -> Result<Vec<processes::Owned>> {
    Ok(processes::owned(&processes::list()?, &[SOCKET]))
}

/// Takes deserted network namespaces away: those there now, as removing the pods has deserted some.
pub fn remove_netns(of_pods: &BTreeSet<PathBuf>, deadline: &Deadline) -> Result<()> {
    for deserted in netns::deserted(&mounts::table()?, of_pods) {
        mounts::unmount(&deserted.path, deadline)?;
        files::delete_file(&deserted.path)?;
    }
    Ok(())
}

/// Paths of the network namespaces of these sandboxes, as CRI tells them. One that cannot be asked has none.
pub fn namespaces(sandboxes: &[Sandbox], deadline: &Deadline) -> Vec<PathBuf> {
    let Ok(mut client) = Client::connect(SOCKET, &deadline.at_most(POD)) else { return Vec::new() };
    let netns = sandboxes.iter().filter_map(|sandbox| client.pod_sandbox_status(&sandbox.id).ok()?.netns);
    netns.map(|path| cni::real_run(&path)).collect()
}

/// Network namespaces that processes of pods are in, as paths of /proc; this machine's own is not among them.
pub fn namespaces_of_processes(owned: &[processes::Owned]) -> Vec<PathBuf> {
    let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
    let own = of("self");
    let mut seen = Vec::new();
    let mut paths = Vec::new();
    for process in owned.iter().filter(|process| process.kind == Kind::Pod) {
        let namespace = of(&process.pid.to_string());
        if namespace.is_some() && namespace != own && !seen.contains(&namespace) {
            seen.push(namespace);
            paths.push(PathBuf::from(format!("/proc/{}/ns/net", process.pid)));
        }
    }
    paths
}

/// Stops and removes every pod sandbox, those included that containerd was still making when the kubelet was stopped: they
/// are listed only when they are made. Gives back the names of those removed, and what went wrong with the others.
pub fn remove_sandboxes(deadline: &Deadline) -> Result<(Vec<String>, Vec<String>)> {
    let (mut removed, mut problems) = (Vec::new(), Vec::new());
    let mut tried = BTreeSet::new();
    loop {
        let mut sandboxes = Client::connect(SOCKET, &deadline.at_most(POD))?.list_pod_sandbox()?;
        sandboxes.retain(|sandbox| tried.insert(sandbox.id.clone()));
        if sandboxes.is_empty() {
            return Ok((removed, problems));
        }
        for sandbox in sandboxes {
            let name = format!("{}/{}", sandbox.namespace, sandbox.name);
            let limit = deadline.at_most(POD);
            let mut done = remove_sandbox(&sandbox.id, &limit);
            // containerd refuses while a container of it is being started, which ends by itself.
            let starting = |error: &Error| error.to_string().contains("is in starting state");
            while done.as_ref().is_err_and(starting) && !limit.expired() {
                limit.pause(AGAIN);
                done = remove_sandbox(&sandbox.id, &limit);
            }
            match done {
                Ok(()) => removed.push(name),
                Err(error) => problems.push(format!("removing pod {name}: {error}")),
            }
        }
    }
}

/// With a connection of its own: a call that hangs must not take the time of the others.
fn remove_sandbox(id: &str, limit: &Deadline) -> Result<(), Error> {
    let mut client = Client::connect(SOCKET, limit)?;
    client.stop_pod_sandbox(id)?;
    client.remove_pod_sandbox(id)
}

/// Removes these images. Gives back the names of those removed, and what went wrong with the others.
pub fn remove_images(images: &[Image], deadline: &Deadline) -> Result<(Vec<String>, Vec<String>)> {
    let (mut removed, mut problems) = (Vec::new(), Vec::new());
    let mut client = Client::connect(SOCKET, deadline)?;
    for image in images {
        match client.remove_image(&image.id) {
            Ok(()) => removed.push(image_name(image)),
            Err(error) => problems.push(format!("removing image {}: {error}", image_name(image))),
        }
    }
    Ok((removed, problems))
}

/// Its first name; without one, its id.
pub fn image_name(image: &Image) -> String {
    image.tags.first().unwrap_or(&image.id).clone()
}

/// Starts containerd and waits until it says that it can run pods; then the units that went down with it. Records what
/// it holds now, so that the next run knows that there is nothing to do.
pub fn start(bound: &[String], roots: &Roots, deadline: &Deadline) -> Result<()> {
    // containerd 2.1 and later ends when the directory it watches is not there.
    files::make_dir(CNI_CONF, 0o755)?;
    // A start limit that was reached while it was broken must not hold it back now. Not failed is no error worth having.
    drop(systemd::reset_failed(UNIT, deadline));
    systemd::start(UNIT, deadline)?;
    deadline.at_most(ANSWER).poll(Duration::from_millis(200), "containerd to be ready for pods", || {
        let status = Client::connect(SOCKET, &deadline.at_most(ANSWER)).and_then(|mut client| client.status());
        Ok(match status {
            Ok(status) if status.holds(RUNTIME_READY) => Look::Ready(()),
            Ok(_) => Look::NotYet("its runtime is not ready".to_owned()),
            // It serves nothing before all its plugins are loaded: this does not get better by waiting.
            Err(error @ Error::NoCri { .. }) => return Err(error.into()),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })?;
    for unit in bound {
        systemd::start(unit, deadline)?;
    }
    record::write(&holdings::namespaces(&roots.root).unwrap_or_default().kubernetes)
}
