//! What the node shows, looked at once, each look with a limit of its own: what hangs or fails is noted and passed over.
//!
//! Nothing is changed, no kernel module is loaded, no mount is triggered beyond a statvfs.

pub mod cni;
pub mod kubelet;
pub mod machine;
pub mod network;
pub mod runtime;
pub mod storage;

use crate::args::Args;
use host::deadline::Deadline;
use std::sync::mpsc;
use std::time::Duration;

/// How long something that may hang is waited for.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Facts {
    /// Disks and mounts.
    pub storage: storage::Storage,
    /// Identity, clock, permissions.
    pub machine: machine::Machine,
    /// containerd.
    pub runtime: runtime::Runtime,
    /// CNI files and plugins.
    pub cni: cni::Cni,
    /// The kubelet.
    pub kubelet: kubelet::Kubelet,
    /// Links, routes, firewall.
    pub network: network::Network,
    /// What could not be looked at, and why.
    pub passed_over: Vec<String>,
}

impl Facts {
    /// Whether this node is part of a cluster: it has the kubelet's credentials and configuration.
    pub fn joined(&self) -> bool {
        self.kubelet.has_conf && self.kubelet.has_config
    }
}

/// Looks.
pub fn observe(args: &Args, deadline: &Deadline) -> Facts {
    let mut missed = Missed::default();
    let kubelet = kubelet::observe(deadline, &mut missed);
    let runtime = runtime::observe(args, deadline, &mut missed);
    let storage = storage::observe(args, &runtime, &mut missed);
    let cni = cni::observe(args, &runtime, &mut missed);
    let network = network::observe(deadline, &mut missed);
    let machine = machine::observe(&kubelet, deadline, &mut missed);
    Facts { storage, machine, runtime, cni, kubelet, network, passed_over: missed.0 }
}

/// Notes what fails.
#[derive(Debug, Default)]
pub struct Missed(Vec<String>);

impl Missed {
    /// The value, or its default and a note.
    pub fn or_default<T: Default>(&mut self, what: &str, result: anyhow::Result<T>) -> T {
        result.unwrap_or_else(|e| {
            self.0.push(format!("{what}: {e:#}"));
            T::default()
        })
    }
}

/// Runs `look` in a thread and gives up on it after [`PATIENCE`]. A thread that hangs in the kernel is left to the end
/// of the process, which such waits do not outlast (NFS and FUSE wait killably).
pub fn patiently<T: Send + 'static>(look: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(look()));
    receiver.recv_timeout(PATIENCE).ok()
}
