//! Identity, clock and permissions.

use super::{Missed, patiently_all};
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::{Duration, SystemTime};

/// Files whose owner and mode matter, with the bits that must not be set and those that must.
const FILES: [(&str, u32, u32); 8] = [
    ("/etc/kubernetes/kubelet.conf", 0o077, 0o400),
    ("/etc/kubernetes/admin.conf", 0o077, 0o400),
    ("/var/lib/kubelet/pki", 0o022, 0o700),
    ("/var/lib/kubelet", 0o022, 0o700),
    ("/etc/cni/net.d", 0o022, 0o700),
    ("/opt/cni/bin", 0o022, 0o700),
    ("/run/containerd/containerd.sock", 0o006, 0o600),
    ("/etc/containerd/config.toml", 0o022, 0o400),
];

/// What was seen of the machine.
#[derive(Debug, Default)]
pub struct Machine {
    /// When it was looked at, by its own clock.
    pub now: Option<SystemTime>,
    /// Its host name.
    pub hostname: String,
    /// The kernel's release.
    pub kernel: String,
    /// Whether this is a container, whose kernel and clock are the host's.
    pub in_container: bool,
    /// /etc/machine-id, when it is one.
    pub machine_id: Option<String>,
    /// Whether a time service says that the clock is right; none when systemd cannot tell.
    pub synchronized: Option<bool>,
    /// Files with a wrong owner or mode, in words.
    pub permissions: Vec<String>,
}

/// Looks.
pub fn observe(deadline: &Deadline, missed: &mut Missed) -> Machine {
    let read = |path: &str| files::read_text(path).ok().flatten().unwrap_or_default().trim().to_owned();
    let id = read("/etc/machine-id");
    // Below /var/lib/kubelet may be a mount that hangs.
    let permissions = patiently_all(FILES.to_vec(), permission);
    if permissions.iter().any(Option::is_none) {
        missed.or_default::<()>("permissions", Err(anyhow::anyhow!("a file system does not answer")));
    }
    Machine {
        now: Some(SystemTime::now()),
        hostname: read("/proc/sys/kernel/hostname"),
        kernel: read("/proc/sys/kernel/osrelease"),
        in_container: node::os::in_container(),
        machine_id: (id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some(id),
        synchronized: synchronized(deadline),
        permissions: permissions.into_iter().flatten().flatten().collect(),
    }
}

fn permission((path, forbidden, needed): (&'static str, u32, u32)) -> Option<String> {
    let meta = std::fs::metadata(path).ok()?;
    let mode = meta.permissions().mode() & 0o7777;
    let wrong = mode & forbidden != 0 || mode & needed != needed;
    let right = (mode & !forbidden) | needed;
    if meta.uid() != 0 {
        return Some(format!("{path} belongs to user {}, not to root: chown root {path}", meta.uid()));
    }
    wrong.then(|| format!("{path} has mode {mode:04o}: chmod {right:04o} {path}"))
}

fn synchronized(deadline: &Deadline) -> Option<bool> {
    let args = ["show", "--property=NTPSynchronized", "--value"];
    let output = Program::new("timedatectl").args(args).run(&deadline.at_most(Duration::from_secs(3))).ok()?;
    match output.success().ok()?.stdout_text().trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
