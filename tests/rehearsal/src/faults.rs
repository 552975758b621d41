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
    row("api-refused", "worker", "connections to the API server are refused during discovery"),
    row("api-silent", "control plane", "the API server accepts connections and answers nothing"),
    row("api-not-tls", "control plane", "the API server's port speaks plain HTTP"),
    row("api-throttled", "control plane", "the API server answers 429 (N times; for ever without a number)"),
    row(
        "api-busy",
        "control plane",
        "the API server turns away this percentage of requests, as priority and fairness does",
    ),
    row("etcd-timeout", "control plane", "the API server answers 500, etcdserver: request timed out"),
    row("anonymous-forbidden", "control plane", "cluster-info is not for anonymous users"),
    row("anonymous-off", "control plane", "the API server takes no anonymous requests: 401"),
    row("token-expired", "control plane", "cluster-info carries no signature for any token"),
    row("token-unauthorized", "control plane", "cluster-info is signed, but tokens do not authenticate"),
    row("jws-bad", "control plane", "cluster-info's signature does not verify with the token's secret"),
    row("config-forbidden", "control plane", "tokens may not read kubeadm-config"),
    row("config-missing", "control plane", "there is no kubeadm-config"),
    row("ca-mismatch", "worker", "the CA in cluster-info is not the pinned one"),
    row("wrong-san", "worker", "the API server's certificate is for another address"),
    row("clock-behind", "worker", "the machine's clock is before the certificate's start"),
    row("clock-ahead", "worker", "the machine's clock is after the certificate's end"),
    row("node-exists", "worker", "a Node of this name is there and Ready"),
    row("missing-program", "worker", "the named program is not in PATH (parameter, default conntrack)"),
    row("no-bridge-nf", "worker", "preflight does not find bridge-nf-call-iptables (N times)"),
    row("swap-on", "worker", "the machine seems to have swap on"),
    row("cgroup-v1", "worker", "the machine seems to have cgroup v1"),
    row("no-memory-cgroup", "worker", "the memory cgroup is missing"),
    row("version-skew", "worker", "the kubelet is newer than the control plane"),
    row("hostname-unresolved", "worker", "the host name cannot be looked up"),
    row("cri-unimplemented", "worker", "the container runtime does not know the CRI service"),
    row("join-hangs", "worker", "kubeadm join says nothing more after preflight, for N seconds (default for ever)"),
    row("kubelet-crash", "worker", "the kubelet finds no inotify instance left and ends with status 1 (N times)"),
    row("kubelet-dies", "worker", "the kubelet ends with status 1 for a reason that no table knows (N times)"),
    row("kubelet-says", "worker", "the kubelet ends with status 1 and these words (parameter)"),
    row("standalone", "worker", "the kubelet behaves as if started without --kubeconfig"),
    row("healthz-500", "worker", "the kubelet's healthz answers 500"),
    row("slow-join", "worker", "the kubelet asks for its certificate only after N seconds (default 20)"),
    row(
        "tls-bootstrap-hang",
        "control plane",
        "no certificate signing request is approved automatically: it stays pending",
    ),
    row("csr-denied", "control plane", "certificate signing requests are denied"),
    row("csr-unseen", "control plane", "tokens may not list certificate signing requests"),
    row("csr-failed", "control plane", "certificate signing requests are approved, and the signer calls them failed"),
    row("csr-not-issued", "control plane", "certificate signing requests are approved, and the signer does nothing"),
    row("crisocket-timeout", "worker", "the kubelet gets its certificate but never registers its Node"),
    row("register-refused", "worker", "the API server refuses to register the Node"),
    row("config-removed", "worker", "/var/lib/kubelet/config.yaml is gone after a good join"),
    row("imagefs-zero", "worker", "the image filesystem stays without capacity"),
    row("network-plugin-down", "worker", "the kubelet sees no ready pod network whatever the runtime says"),
    row("no-br-netfilter", "worker", "flanneld does not find br_netfilter"),
    row("no-conntrack-max", "worker", "kube-proxy may not set nf_conntrack_max"),
    row(
        "flannel-rules",
        "worker",
        "flanneld sets its rules as an older or another one does (parameter: plain, nftables)",
    ),
    row("no-subnet-env", "worker", "flanneld never writes subnet.env"),
    row("no-pod-cidr", "control plane", "nodes get no pod CIDR"),
    row("image-pull", "worker", "images of user pods cannot be pulled"),
    row(
        "server-clock",
        "control plane",
        "the API server's clock is ahead by this many seconds (parameter; negative: behind)",
    ),
    row("lease-stops", "worker", "the kubelet renews its lease no more"),
    row("node-grace", "control plane", "seconds without lease until a Node is NotReady (parameter, 40 when not set)"),
    row("crisocket-wait", "worker", "seconds kubeadm waits for the Node object (parameter, 120 when not set)"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_one_row_and_bites_somewhere() {
        let mut sources = String::new();
        let mut dirs = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).unwrap().flatten() {
                if entry.path().is_dir() {
                    dirs.push(entry.path());
                } else if entry.file_name() != "faults.rs" {
                    sources += &std::fs::read_to_string(entry.path()).unwrap();
                }
            }
        }
        for fault in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.name == fault.name).count(), 1, "{} twice", fault.name);
            assert!(sources.contains(&format!("(\"{}\")", fault.name)), "{} bites nowhere", fault.name);
        }
    }
}
