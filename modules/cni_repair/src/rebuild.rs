//! Recreating pods whose addresses are of another network, in the order that leaves nothing half done: kubelet held
//! back, sandboxes stopped (their network is taken back by the plugins), bridge removed, what is left of their state
//! copied and cleared, sandboxes removed, runtime restarted if it has no network, kubelet started, network waited for.

use crate::args::Args;
use crate::observe::{Bridged, Pod, State};
use ansible::Task;
use anyhow::Context as _;
use cri::{Client, NETWORK_READY};
use host::deadline::{Deadline, Look};
use host::{files, links, systemd};
use kubeadm::gate;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is recreated.
pub(crate) struct Job<'a> {
    pub(crate) state: &'a State,
    pub(crate) network: &'a Bridged,
    pub(crate) pods: &'a [Pod],
    /// Links that go with them.
    pub(crate) links: &'a [links::Link],
}

/// Does it. The kubelet is let go of again whatever happens, also when we are told to stop.
pub(crate) fn rebuild(
    args: &Args,
    job: &Job,
    backup: &mut Backup,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<()> {
    let unit = gate::Unit::observe(&args.kubelet_unit, deadline)?;
    let ran = unit.running();
    task.phase("holding the kubelet back");
    let name = args.kubelet_unit.clone();
    let _guard = ansible::on_abort(move || {
        // The last thing before the answer: an error here has nobody left to hear it.
        let _heard_by_nobody = let_go(&name, ran, &Deadline::after(Duration::from_secs(10)));
    });
    gate::hold(&unit, deadline)?;
    let done = without_kubelet(args, job, backup, task, deadline);
    // Also when the budget is used up: a node without a kubelet is worse than a late answer.
    let end = Deadline::after(deadline.left().max(Duration::from_secs(30)));
    let let_go = let_go(&args.kubelet_unit, ran, &end);
    done.and(let_go)?;
    task.phase("waiting for the pod network");
    network_is_back(args, job, ran, deadline)
}

fn without_kubelet(
    args: &Args,
    job: &Job,
    backup: &mut Backup,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<()> {
    let mut cri = Client::connect(&args.socket, deadline).context("recreating pods")?;
    task.phase("stopping pods with addresses of another network");
    for pod in job.pods {
        cri.stop_pod_sandbox(&pod.id).with_context(|| format!("stopping pod {}", pod.name))?;
    }
    links::delete(job.links, deadline)?;
    let theirs = |id: &str| job.pods.iter().any(|pod| pod.id == id);
    let leases = job.state.leases.iter().filter(|lease| theirs(&lease.container)).map(|lease| lease.path.clone());
    let records = job.state.records.iter().filter(|record| theirs(&record.container)).map(|record| record.file.clone());
    backup.take(&leases.chain(records).collect::<Vec<_>>())?;
    for pod in job.pods {
        cri.remove_pod_sandbox(&pod.id).with_context(|| format!("removing the old sandbox of pod {}", pod.name))?;
    }
    if !cri.status()?.holds(NETWORK_READY) {
        task.phase("restarting the container runtime");
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
fn network_is_back(args: &Args, job: &Job, kubelet_runs: bool, deadline: &Deadline) -> anyhow::Result<()> {
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

/// A copy of every file before it is deleted, in a directory of this run.
pub(crate) struct Backup {
    dir: PathBuf,
    used: bool,
}

impl Backup {
    /// Below `base`, named by the second; made only when something is taken.
    pub(crate) fn new(base: &Path) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { dir: base.join(format!("cni-{seconds}")), used: false }
    }

    /// The directory, if anything was copied into it.
    pub(crate) fn made(&self) -> Option<&Path> {
        self.used.then_some(self.dir.as_path())
    }

    /// Copies files, below their own paths, and deletes them. One that is gone already is no error.
    pub(crate) fn take(&mut self, paths: &[PathBuf]) -> anyhow::Result<()> {
        for path in paths {
            let copy = self.dir.join(path.strip_prefix("/").unwrap_or(path));
            // A link that leads nowhere has no content, and is in the way all the same.
            let (bytes, target) = (files::read_optional(path)?, std::fs::read_link(path).ok());
            if bytes.is_none() && target.is_none() {
                continue;
            }
            files::make_dir(copy.parent().unwrap_or(&self.dir), 0o700)?;
            match (bytes, target) {
                (Some(bytes), _) => files::write_atomic(&copy, &bytes, 0o600)?,
                (None, Some(target)) => files::link(target, &copy).map(drop)?,
                (None, None) => {}
            }
            self.used = true;
            files::delete_file(path)?;
        }
        Ok(())
    }
}
