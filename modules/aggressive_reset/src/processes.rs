//! Which processes are Kubernetes': by executable, by cgroup, by a shim's own arguments. Never by a word in a command line.
//!
//! Only processes that share this mount namespace or run in a pod's cgroup count: a kubelet in somebody's container (a
//! test cluster in podman) is none of ours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use host::deadline::{Deadline, Look};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A process that has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Its name, as ps shows it.
    pub name: String,
    /// What it is: `kubelet`, `shim`, `pod`.
    pub kind: Kind,
    /// Start time in clock ticks: with the id it names one process for good.
    started: u64,
}

impl std::fmt::Display for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.pid)
    }
}

/// What makes a process ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Runs the kubelet's program.
    Kubelet,
    /// A shim of containerd's namespace k8s.io.
    Shim,
    /// In the cgroup of a pod.
    Pod,
}

/// Where a kubelet's program may lie, besides where its unit says.
const KUBELETS: [&str; 3] = ["/usr/bin/kubelet", "/usr/local/bin/kubelet", "/opt/bin/kubelet"];

/// All of them, now.
pub fn find() -> Vec<Process> {
    let ours = std::fs::read_link("/proc/self/ns/mnt").ok();
    let above = cgroup_above();
    let own = std::process::id();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let directory = entry.path();
        let same_namespace = || std::fs::read_link(directory.join("ns/mnt")).ok() == ours;
        let cgroups = std::fs::read_to_string(directory.join("cgroup")).unwrap_or_default();
        let kind = if in_pod(&cgroups, &above) {
            Kind::Pod
        } else if let Some(kind) = by_program(&directory).filter(|_| same_namespace()) {
            kind
        } else {
            continue;
        };
        let stat = std::fs::read_to_string(directory.join("stat")).unwrap_or_default();
        let Some(started) = start_time(&stat).filter(|_| pid != own) else { continue };
        let name = std::fs::read_to_string(directory.join("comm")).unwrap_or_default().trim_end().to_owned();
        found.push(Process { pid, name, kind, started });
    }
    found.sort_by_key(|process| process.pid);
    found
}

fn by_program(process: &Path) -> Option<Kind> {
    let program = std::fs::read_link(process.join("exe")).ok()?;
    let program = program.to_str()?.trim_end_matches(" (deleted)");
    if KUBELETS.contains(&program) {
        return is_kubelet(process).then_some(Kind::Kubelet);
    }
    let name = Path::new(program).file_name()?.to_str()?;
    if !name.starts_with("containerd-shim") {
        return None;
    }
    let line = std::fs::read(process.join("cmdline")).ok()?;
    let args: Vec<&[u8]> = line.split(|&byte| byte == 0).collect();
    args.windows(2)
        .any(|pair| pair[0].trim_ascii_start() == b"-namespace" && pair[1] == b"k8s.io")
        .then_some(Kind::Shim)
}

/// A program of several names is what it was started as: hyperkube and the like.
fn is_kubelet(process: &Path) -> bool {
    let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
    let first = line.split(|&byte| byte == 0).next().unwrap_or_default();
    Path::new(std::str::from_utf8(first).unwrap_or_default()).file_name().is_some_and(|name| name == "kubelet")
}

/// The cgroup this machine's processes live below, which is not `/` in a container that shares the host's cgroup namespace.
fn cgroup_above() -> PathBuf {
    let first = std::fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    let path = first.lines().filter_map(|line| line.splitn(3, ':').nth(2)).find(|path| path.ends_with("/init.scope"));
    PathBuf::from(path.unwrap_or("/").trim_end_matches("init.scope"))
}

/// Whether a /proc/PID/cgroup names a pod's cgroup directly below `above`: the kubelet's tree (either driver), or where
/// containerd puts a sandbox without a parent.
fn in_pod(cgroups: &str, above: &Path) -> bool {
    cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).any(|path| {
        let Ok(path) = Path::new(path).strip_prefix(above) else { return false };
        let names: Vec<&str> = path.iter().filter_map(|name| name.to_str()).collect();
        match names.as_slice() {
            ["kubepods" | "kubepods.slice", ..] => true,
            ["k8s.io", id, ..] => is_id(id),
            ["system.slice", scope, ..] => {
                scope.strip_prefix("cri-containerd-").and_then(|rest| rest.strip_suffix(".scope")).is_some_and(is_id)
            }
            _ => false,
        }
    })
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Field 22 of /proc/PID/stat, counted after the name, which may contain anything.
fn start_time(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

fn is_there(process: &Process) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.pid)).unwrap_or_default();
    let zombie = stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z'));
    !zombie && start_time(&stat) == Some(process.started)
}

/// Kills them and waits until they are gone. Those that will not go (stuck in the kernel) are given back.
pub fn kill(processes: &[Process], deadline: &Deadline) -> Result<Vec<Process>> {
    for process in processes {
        let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else { continue };
        match pidfd_open(pid, PidfdFlags::empty()) {
            // Looked at again now that the descriptor holds it: the id may have been given to another one meanwhile.
            Ok(fd) if is_there(process) => drop(pidfd_send_signal(fd, Signal::KILL)),
            Ok(_) => {}
            // Linux before 5.3.
            Err(rustix::io::Errno::NOSYS) if is_there(process) => {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            Err(_) => {}
        }
    }
    let gone = deadline.at_most(Duration::from_secs(10)).poll(Duration::from_millis(50), "processes to end", || {
        let left = processes.iter().filter(|process| is_there(process)).count();
        Ok(if left == 0 { Look::Ready(()) } else { Look::NotYet(format!("{left} left")) })
    });
    Ok(if gone.is_ok() { Vec::new() } else { processes.iter().filter(|process| is_there(process)).cloned().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7023a58fb62cbe17afbb1f95936f75fa54df907507fdd5bcf2b5e92d8fbe6da8";

    #[test]
    fn pods_are_told_by_the_beginning_of_their_cgroup() {
        let root = Path::new("/");
        let pod = |path: &str| in_pod(&format!("12:memory:{path}\n0::/x\n"), root);
        assert!(pod("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podx.slice/cri-containerd-x.scope"));
        assert!(pod("/kubepods/burstable/pod1/abc"));
        assert!(pod(&format!("/system.slice/cri-containerd-{ID}.scope")) && pod(&format!("/k8s.io/{ID}")));
        for other in [
            "/machine.slice/libpod-abc.scope/kubepods.slice/x",
            "/user.slice/kubepods.slice",
            "/system.slice/kubepods.service",
            "/docker/kubepods",
            "/k8s.io/mine",
            &format!("/machine.slice/libpod-x.scope/system.slice/cri-containerd-{ID}.scope"),
        ] {
            assert!(!pod(other), "{other}");
        }
        assert!(in_pod("0::/machine.slice/a.scope/kubepods/x", Path::new("/machine.slice/a.scope/")));
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4242 1000 1";
        assert_eq!(start_time(stat), Some(4242));
    }
}
