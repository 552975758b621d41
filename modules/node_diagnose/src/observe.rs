//! What the node shows, looked at once, each look with a limit of its own: what hangs or fails is noted and passed over.
//!
//! Nothing is changed, no kernel module is loaded, no mount is triggered beyond a statvfs.

pub mod api;
pub mod cni;
pub mod kubelet;
pub mod machine;
pub mod network;
pub mod runtime;
pub mod storage;
pub mod system_pods;

use crate::args::Args;
use footprint::distributions::Active;
use host::deadline::Deadline;
use std::sync::mpsc;
use std::time::Duration;

/// How long something that may hang is waited for.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// How long one part may take, programs that it starts included. A part that hangs is given up, and the rest is told.
const PART: Duration = Duration::from_secs(12);

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Facts {
    /// Disks and mounts.
    pub storage: storage::Storage,
    /// Identity, clock, permissions.
    pub machine: machine::Machine,
    /// What the API server says of this node.
    pub api: api::Api,
    /// containerd.
    pub runtime: runtime::Runtime,
    /// CNI files and plugins.
    pub cni: cni::Cni,
    /// The kubelet.
    pub kubelet: kubelet::Kubelet,
    /// The control plane's and the network's pods.
    pub system_pods: system_pods::SystemPods,
    /// Links, routes, firewall.
    pub network: network::Network,
    /// Other distributions of Kubernetes that are at work here.
    pub distributions: Vec<Active>,
    /// What could not be looked at, and why.
    pub passed_over: Vec<String>,
}

impl Facts {
    /// Whether this node is part of a cluster: it has the kubelet's credentials and configuration.
    pub fn joined(&self) -> bool {
        self.kubelet.has_conf && self.kubelet.has_config
    }

    /// Whether nothing of a join is here: never joined, or reset. Not said where nobody could look at the kubelet.
    pub fn outside(&self) -> bool {
        self.kubelet.unit.is_some() && !self.kubelet.has_conf
    }
}

/// Looks: first at what hangs on nothing else, then at the rest, each part beside the others.
pub fn observe(args: &Args, deadline: &Deadline) -> Facts {
    let (limit, own) = (*deadline, args.clone());
    let mut missed = Missed::default();
    let kubelet = Part::start("the kubelet", move |missed| kubelet::observe(&limit, missed));
    let runtime = Part::start("containerd", move |missed| runtime::observe(&own, &limit, missed));
    let network = Part::start("the pod network", move |missed| network::observe(&limit, missed));
    let kubelet = kubelet.end(deadline, &mut missed);
    let runtime = runtime.end(deadline, &mut missed);

    let (own, root) = (args.clone(), runtime.root_dir().map(str::to_owned));
    let storage = Part::start("disks and mounts", move |missed| storage::observe(&own, root.as_deref(), missed));
    let told =
        runtime.status().map(|status| cni::Told { conf_dir: status.cni_conf_dir(), plugin_dirs: status.plugin_dirs() });
    let (own, told) = (args.clone(), told.unwrap_or_default());
    let path = runtime.path.clone();
    let cni = Part::start("CNI", move |missed| cni::observe(&own, &path, told, &limit, missed));
    let (server, name) = (kubelet.server.clone(), kubelet.node_name());
    let api = Part::start("the API server", move |missed| api::observe(&server, &name, &limit, missed));
    let own = args.socket().to_owned();
    let pods = Part::start("the system's pods", move |_| system_pods::observe(&own, &limit));
    let machine = Part::start("the machine", move |missed| machine::observe(&limit, missed));

    let mut network = network.end(deadline, &mut missed);
    network.forget_young_leases(args.socket(), &runtime, deadline);
    let (storage, cni) = (storage.end(deadline, &mut missed), cni.end(deadline, &mut missed));
    let (api, machine) = (api.end(deadline, &mut missed), machine.end(deadline, &mut missed));
    network.compare_flannel(&api, deadline, &mut missed);
    let system_pods = pods.end(deadline, &mut missed);
    let distributions = missed.or_default("other distributions of Kubernetes", node::distributions::active());
    Facts { distributions, storage, machine, api, runtime, cni, kubelet, system_pods, network, passed_over: missed.0 }
}

/// A part being looked at in a thread of its own.
struct Part<T> {
    what: &'static str,
    receiver: mpsc::Receiver<(T, Missed)>,
}

impl<T: Send + Default + 'static> Part<T> {
    fn start(what: &'static str, look: impl FnOnce(&mut Missed) -> T + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut missed = Missed::default();
            let seen = look(&mut missed);
            sender.send((seen, missed))
        });
        Part { what, receiver }
    }

    /// What it saw, or nothing and a note when it hangs.
    fn end(self, deadline: &Deadline, missed: &mut Missed) -> T {
        match self.receiver.recv_timeout(deadline.at_most(PART).left()) {
            Ok((seen, notes)) => {
                missed.0.extend(notes.0);
                seen
            }
            Err(_) => {
                missed.0.push(format!("{}: it takes too long to look at", self.what));
                T::default()
            }
        }
    }
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

/// The same for many at once: together they take no longer than one. None is one that hangs.
pub fn patiently_all<A, T, L>(all: Vec<A>, look: L) -> Vec<Option<T>>
where
    A: Send + 'static,
    T: Send + 'static,
    L: Fn(A) -> T + Send + Copy + 'static,
{
    let (sender, receiver) = mpsc::channel();
    let mut seen: Vec<Option<T>> = all.iter().map(|_| None).collect();
    for (index, one) in all.into_iter().enumerate() {
        let sender = sender.clone();
        std::thread::spawn(move || sender.send((index, look(one))));
    }
    drop(sender);
    let limit = Deadline::after(PATIENCE);
    while let Ok((index, one)) = receiver.recv_timeout(limit.left()) {
        seen[index] = Some(one);
    }
    seen
}
