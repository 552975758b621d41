//! Which processes are Kubernetes'. Pure.
//!
//! * kubelet and kube-proxy: the unit of that name, or the executable of exactly that name, in our own pid namespace;
//! * containerd's shims of namespace `k8s.io` at one of the sockets the caller calls ours, and all that descends from
//!   them: Docker's shims say `-namespace moby`, k3s' have a socket of their own;
//! * what is left in a pod's cgroup (`kubepods`), unless CRI-O or Docker made it.
//!
//! A node that runs in a container of this host (kind, a practice lab) has all of these, too. It is told apart by its
//! pid namespace and by its cgroups, which begin with the container's.

use std::collections::BTreeSet;

use super::Process;

/// What a process is to Kubernetes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The kubelet.
    Kubelet,
    /// kube-proxy outside a pod.
    KubeProxy,
    /// A process of a pod.
    Pod,
    /// The containerd shim that holds a pod.
    Shim,
}

/// A process of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Its pid.
    pub pid: i32,
    /// Its start time, see [`Process::started`].
    pub started: u64,
    /// What it is.
    pub kind: Kind,
    /// The file name of its executable.
    pub program: String,
    /// Why it is Kubernetes', as half a sentence.
    pub reason: String,
}

/// Kubernetes' processes, in the order to end them: a pod's processes before the shim that would report their end.
/// `sockets` are the containerd sockets that are Kubernetes', as shims name them: `/run/containerd/containerd.sock`.
pub fn owned(processes: &[Process], sockets: &[&str]) -> Vec<Owned> {
    let mut found: Vec<Owned> = processes.iter().filter_map(|p| claim(p, sockets)).collect();
    let mut ours: BTreeSet<i32> = found.iter().filter(|o| o.kind == Kind::Shim).map(|o| o.pid).collect();
    let mut known: BTreeSet<i32> = found.iter().map(|o| o.pid).collect();
    // A child's number may be lower than its parent's, so once through is not enough.
    loop {
        let children = processes.iter().filter(|p| ours.contains(&p.parent) && !ours.contains(&p.pid));
        let children: Vec<&Process> = children.collect();
        if children.is_empty() {
            break;
        }
        for child in children {
            ours.insert(child.pid);
            if known.insert(child.pid) {
                found.push(named(child, Kind::Pod, format!("started by shim or pod process {}", child.parent)));
            }
        }
    }
    found.sort_by_key(|owned| (owned.kind, owned.pid));
    found
}

fn claim(process: &Process, sockets: &[&str]) -> Option<Owned> {
    if let Some(pod) = process.cgroups.iter().find(|path| is_pod(path)) {
        return Some(named(process, Kind::Pod, format!("in pod cgroup {pod}")));
    }
    if !process.same_namespace || process.cgroups.iter().any(|path| is_other_engines(path)) {
        return None;
    }
    for (unit, program, kind) in
        [("kubelet.service", "kubelet", Kind::Kubelet), ("kube-proxy.service", "kube-proxy", Kind::KubeProxy)]
    {
        if process.unit.as_deref() == Some(unit) {
            return Some(named(process, kind, format!("of unit {unit}")));
        }
        if process.program() == Some(program) {
            return Some(named(process, kind, format!("runs {program}")));
        }
    }
    let is_shim = process.program().is_some_and(|name| name.starts_with("containerd-shim"))
        && argument(process, "-namespace") == Some("k8s.io")
        && argument(process, "-address").is_none_or(|address| sockets.contains(&address));
    is_shim.then(|| named(process, Kind::Shim, "containerd's shim of namespace k8s.io".to_owned()))
}

fn named(process: &Process, kind: Kind, reason: String) -> Owned {
    let program = process.program().unwrap_or_default().to_owned();
    Owned { pid: process.pid, started: process.started, kind, program, reason }
}

fn argument<'a>(process: &'a Process, option: &str) -> Option<&'a str> {
    process.argv.windows(2).find(|pair| pair[0] == option).map(|pair| pair[1].as_str())
}

/// `/kubepods.slice/...` (systemd driver), `/kubepods/...` (cgroupfs driver), `/kubelet.slice/kubelet-kubepods.slice/...`
/// (--cgroup-root): below slices only, since a containerized node's pods lie below its container's scope.
fn is_pod(path: &str) -> bool {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let kubepods = |part: &str| part == "kubepods" || part == "kubepods.slice" || part.ends_with("-kubepods.slice");
    let below = parts.find(|part| kubepods(part) || !part.ends_with(".slice")).is_some_and(kubepods);
    // kubepods.slice itself holds no process; a pod's container does.
    below && parts.next().is_some() && !is_other_engines(path)
}

/// A container of Docker, podman or CRI-O.
fn is_other_engines(path: &str) -> bool {
    let engines = ["docker-", "libpod-", "crio-", "buildah-"];
    let whole = ["docker", "libpod_parent"];
    path.split('/').any(|part| engines.iter().any(|prefix| part.starts_with(prefix)) || whole.contains(&part))
}

#[cfg(test)]
#[path = "owned_tests.rs"]
mod tests;
