//! Recreating pods whose addresses are of another network, in the order that leaves nothing half done: kubelet held
//! back, sandboxes stopped (their network is taken back by the plugins), bridge removed, what is left of their state
//! copied and cleared, sandboxes removed, runtime restarted if it has no network, kubelet started, network waited for.

use crate::args::Args;
use crate::backup::Backup;
use crate::step::Rebuild;
use ansible::Run;
use anyhow::Context as _;
use cri::{Client, NETWORK_READY};
use host::deadline::{Deadline, Look};
use host::{files, links, systemd};
use kubeadm::gate;
use std::path::Path;
use std::time::Duration;

/// Does it. The kubelet is let go of again whatever happens, also when we are told to stop.
pub(crate) fn rebuild(args: &Args, job: &Rebuild, backup: &mut Backup, run: &Run) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    let unit = gate::Unit::observe(&args.kubelet_unit, deadline)?;
    let ran = unit.running();
    run.phase("holding the kubelet back");
    let name = args.kubelet_unit.clone();
    let _guard = ansible::on_abort(move || {
        // The last thing before the answer: there is nobody left to tell an error to.
        let _ = let_go(&name, ran, &Deadline::after(Duration::from_secs(10)));
    });
    gate::hold(&unit, deadline)?;
    let done = without_kubelet(args, job, backup, run);
    // Also when the budget is used up: a node without a kubelet is worse than a late answer.
    let end = Deadline::after(deadline.left().max(Duration::from_secs(30)));
    let let_go = let_go(&args.kubelet_unit, ran, &end);
    done.and(let_go)?;
    run.phase("waiting for the pod network");
    network_is_back(args, job, ran, deadline)
}

fn without_kubelet(args: &Args, job: &Rebuild, backup: &mut Backup, run: &Run) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    let mut cri = Client::connect(&args.socket, deadline).context("recreating pods")?;
    run.phase("stopping pods with addresses of another network");
    for pod in &job.pods {
        cri.stop_pod_sandbox(&pod.id).with_context(|| format!("stopping pod {}", pod.name))?;
    }
    links::delete(&job.links, deadline)?;
    backup.take(&job.files)?;
    for pod in &job.pods {
        cri.remove_pod_sandbox(&pod.id).with_context(|| format!("removing the old sandbox of pod {}", pod.name))?;
    }
    if !cri.status()?.holds(NETWORK_READY) {
        run.phase("restarting the container runtime");
        systemd::restart(&args.containerd_unit, deadline)?;
    }
    Ok(())
}

fn let_go(name: &str, ran: bool, deadline: &Deadline) -> anyhow::Result<()> {
    gate::release(&gate::Unit::observe(name, deadline)?, deadline)?;
    if ran { systemd::start(name, deadline) } else { Ok(()) }
}

/// The runtime has a network, and flannel, where that is what makes it, has its subnet. When the kubelet runs and the
/// bridge went, also that a pod has brought it back.
fn network_is_back(args: &Args, job: &Rebuild, kubelet_runs: bool, deadline: &Deadline) -> anyhow::Result<()> {
    let flannel = files::read_text(&job.network.conf)?.is_some_and(|text| text.contains("\"flannel\""));
    deadline.poll(Duration::from_millis(250), "the pod network to come back", || {
        if flannel && !Path::new(crate::subnet::SUBNET_ENV).exists() {
            return Ok(Look::NotYet("flannel has not written its subnet: is its pod on this node running?".into()));
        }
        let mut cri = match Client::connect(&args.socket, &deadline.at_most(Duration::from_secs(5))) {
            Ok(cri) => cri,
            Err(error) => return Ok(Look::NotYet(error.to_string())),
        };
        let status = cri.status()?;
        if !status.holds(NETWORK_READY) {
            return Ok(Look::NotYet(status.last_cni_load_status().unwrap_or("NetworkReady is false").to_owned()));
        }
        let there = links::list(deadline)?.iter().any(|link| link.name == job.network.bridge);
        Ok(match there || job.links.is_empty() || !kubelet_runs {
            true => Look::Ready(()),
            false => Look::NotYet(format!("no pod has brought {} back yet", job.network.bridge)),
        })
    })
}
