//! The fault table: what can be made to go wrong, and where it bites.
//!
//! A fault is on while the file `/etc/kubernetes-rehearsal.d/<name>` is there. Its content is an optional parameter; a
//! whole number counts down (`1` = only the first time). Code asks [`on`] or [`parameter`] with a name from the table.

use std::path::PathBuf;

/// Where faults are switched on.
pub const DIR: &str = "/etc/kubernetes-rehearsal.d";

/// One fault: its name (the file name), the machine it is set on, and what it does.
pub struct Fault {
    /// file name below [`DIR`]
    pub name: &'static str,
    /// `control plane` or `worker`
    pub on: &'static str,
    /// what one sees
    pub bites: &'static str,
}

const fn row(name: &'static str, on: &'static str, bites: &'static str) -> Fault {
    Fault { name, on, bites }
}

/// All faults; `rehearsal faults` prints them.
pub const TABLE: &[Fault] = &[
    row("api-refused", "worker", "kubeadm's connections to the API server are refused"),
    row("token-expired", "control plane", "cluster-info carries no signature for any token"),
    row("ca-mismatch", "worker", "the CA in cluster-info is not the pinned one"),
    row("node-exists", "control plane", "every Node a joining kubeadm asks for is there and Ready"),
    row("kubelet-crash", "worker", "kubelet ends with status 1 as soon as it is started with a config"),
    row("tls-bootstrap-hang", "control plane", "certificate signing requests stay pending"),
    row("crisocket-timeout", "worker", "kubelet gets its certificate but never registers its Node"),
    row("slow-join", "worker", "kubelet asks for its certificate only after N seconds (parameter, default 20)"),
    row("no-br-netfilter", "worker", "flanneld does not find br_netfilter"),
    row("no-subnet-env", "worker", "flanneld never writes subnet.env"),
    row("no-pod-cidr", "control plane", "nodes get no pod CIDR"),
    row("healthz-500", "worker", "the kubelet's healthz answers 500"),
    row("imagefs-zero", "worker", "the image filesystem stays without capacity"),
    row("lease-stops", "worker", "the kubelet renews its lease no more"),
    row("register-refused", "worker", "the API server refuses to register the Node"),
    row("image-pull", "worker", "images of user pods cannot be pulled"),
    row("swap-on", "worker", "the machine seems to have swap on"),
    row("cgroup-v1", "worker", "the machine seems to have cgroup v1"),
    row("cri-unimplemented", "worker", "the container runtime does not know the CRI service"),
    row("clock-behind", "worker", "the machine's clock is before the certificate's start"),
];

fn file(name: &str) -> PathBuf {
    let dir = std::env::var("REHEARSAL_FAULTS").unwrap_or_else(|_| DIR.into());
    PathBuf::from(dir).join(name)
}

/// Whether `name` is switched on; a counted fault loses one count each time this says yes.
pub fn on(name: &str) -> bool {
    debug_assert!(TABLE.iter().any(|fault| fault.name == name), "no fault called {name}");
    let Ok(text) = std::fs::read_to_string(file(name)) else { return false };
    let Ok(count) = text.trim().parse::<u32>() else { return true };
    if count == 0 {
        return false;
    }
    // The file may be mounted read-only, as in the API server's container: then it counts for ever.
    let _ = std::fs::write(file(name), format!("{}\n", count - 1));
    true
}

/// The parameter of `name` when it is switched on, empty when the file is.
pub fn parameter(name: &str) -> Option<String> {
    std::fs::read_to_string(file(name)).ok().map(|text| text.trim().to_owned())
}

/// Whether `name` is switched on, without counting.
pub fn switched(name: &str) -> bool {
    parameter(name).is_some_and(|text| text != "0")
}
