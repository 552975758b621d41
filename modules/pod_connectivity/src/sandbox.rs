//! Sandboxes of our own, for a node without pods: made for the checks, gone after them, whatever happens.
//!
//! Nothing is pulled: a sandbox needs the pause image only, which is there on every node that ever ran a pod. The kubelet
//! removes one early, as an orphan: see `rounds`.

use crate::args::Args;
use ansible::AbortGuard;
use anyhow::{Context as _, bail};
use cri::{CgroupDriver, Client, NewSandbox};
use host::deadline::Deadline;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const NAMESPACE: &str = "kubejoin-check";

/// Sandboxes that are removed when this is dropped, and when the module is told to stop.
pub struct Temporary {
    ids: Arc<Mutex<Vec<String>>>,
    socket: String,
    _guard: AbortGuard,
}

impl Temporary {
    /// Makes `count` sandboxes, at the same time. Their names stay the same from round to round, their uids do not.
    pub fn make(args: &Args, count: usize, round: usize, deadline: &Deadline) -> anyhow::Result<Self> {
        let ids: Arc<Mutex<Vec<String>>> = Arc::default();
        let (shared, socket) = (ids.clone(), args.socket.clone());
        let guard = ansible::on_abort(move || remove(&socket, &shared));
        let temporary = Temporary { ids, socket: args.socket.clone(), _guard: guard };
        let cgroup_parent = cgroup_parent(&mut Client::connect(&args.socket, deadline)?)?;
        let one = |number| {
            let name = format!("check-{}-{number}", std::process::id());
            let new = NewSandbox {
                uid: format!("{NAMESPACE}-{name}-{round}"),
                hostname: name.clone(),
                name,
                namespace: NAMESPACE.into(),
                labels: vec![("app.kubernetes.io/managed-by".into(), NAMESPACE.into())],
                cgroup_parent: cgroup_parent.clone(),
            };
            let mut cri = Client::connect(&args.socket, deadline)?;
            let id = cri.run_pod_sandbox(&new).context("making a sandbox to check from")?;
            if let Ok(mut ids) = temporary.ids.lock() {
                ids.push(id);
            }
            anyhow::Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (1..=count).map(|number| scope.spawn(move || one(number))).collect();
            let mut ends = threads.into_iter().map(|thread| thread.join());
            ends.try_for_each(|end| end.unwrap_or_else(|_| bail!("making a sandbox to check from")))
        })?;
        Ok(temporary)
    }

    /// Whether this sandbox is one of ours.
    pub fn has(&self, id: &str) -> bool {
        self.ids.lock().is_ok_and(|ids| ids.iter().any(|ours| ours == id))
    }
}

/// Where a sandbox of nobody's belongs. With systemd cgroups runc takes nothing but a slice ("expected cgroupsPath to be
/// of format slice:prefix:name"), and containerd makes that form only from a parent that is one
/// (`internal/cri/server/podsandbox/helpers.go`, getCgroupsPath); with cgroupfs nothing need be said.
fn cgroup_parent(cri: &mut Client) -> anyhow::Result<String> {
    let systemd = match cri.status()?.systemd_cgroup() {
        Some(systemd) => systemd,
        None => matches!(cri.cgroup_driver(), Ok(CgroupDriver::Systemd)),
    };
    Ok(if systemd { "system.slice".into() } else { String::new() })
}

impl Drop for Temporary {
    fn drop(&mut self) {
        remove(&self.socket, &self.ids);
    }
}

/// With a budget of its own: the checks may have used up theirs. Nobody is left to hear of an error, and a sandbox that
/// stays is the kubelet's to clean up.
fn remove(socket: &str, ids: &Mutex<Vec<String>>) {
    let ids = ids.lock().map(|mut ids| std::mem::take(&mut *ids)).unwrap_or_default();
    if ids.is_empty() {
        return;
    }
    if let Ok(mut cri) = Client::connect(socket, &Deadline::after(Duration::from_secs(30))) {
        for id in ids {
            let _stopped = cri.stop_pod_sandbox(&id);
            let _removed = cri.remove_pod_sandbox(&id);
        }
    }
}
