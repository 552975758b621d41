//! Which entries of which directories are Kubernetes' own. What is not here is somebody's: notes, backups, policies for
//! audit and encryption, registry credentials, seccomp profiles, photos.
//!
//! Sources: kubeadm (`cmd/kubeadm/app/constants`, `cmd/phases/reset/cleanupnode.go`), the kubelet (`pkg/kubelet/config`,
//! `pkg/kubelet/kubelet_getters.go`, the state files of its managers), containerd (its root and state are directories named
//! after plugins), libcni and its plugins (`/var/lib/cni`).

/// What of a directory is Kubernetes' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// All of it: only Kubernetes writes there.
    All,
    /// Entries of these names.
    Only(&'static [Entry]),
}

/// A name in a directory, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name; one `*` stands for anything.
    pub name: &'static str,
    /// What has to be there.
    pub is: Is,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A file, a link or a socket.
    File,
    /// A directory of which this is known.
    Directory(Known),
}

const fn file(name: &'static str) -> Entry {
    Entry { name, is: Is::File }
}

const fn tree(name: &'static str) -> Entry {
    Entry { name, is: Is::Directory(Known::All) }
}

const fn directory(name: &'static str, entries: &'static [Entry]) -> Entry {
    Entry { name, is: Is::Directory(Known::Only(entries)) }
}

/// The kubelet's client and serving certificates, which it renews and links to.
const KUBELET_PKI: &[Entry] =
    &[file("kubelet-client-*.pem"), file("kubelet-server-*.pem"), file("kubelet.crt"), file("kubelet.key")];

const KUBELET: &[Entry] = &[
    file("config.yaml"),
    file("instance-config.yaml"),
    file("kubeadm-flags.env"),
    file("kubeconfig"),
    file("bootstrap-kubeconfig"),
    file(".pid"),
    directory("pki", KUBELET_PKI),
    tree("pods"),
    tree("plugins"),
    tree("plugins_registry"),
    tree("plugin-containers"),
    tree("device-plugins"),
    tree("pod-resources"),
    tree("checkpoints"),
    tree("usernamespaces"),
    tree("image_manager"),
    file("cpu_manager_state"),
    file("memory_manager_state"),
    file("dra_manager_state"),
    file("allocated_pods_state"),
    file("actuated_pods_state"),
    file("pod_status_manager_state"),
];

const ETCD_PKI: &[Entry] = &[
    file("ca.crt"),
    file("ca.key"),
    file("server.crt"),
    file("server.key"),
    file("peer.crt"),
    file("peer.key"),
    file("healthcheck-client.crt"),
    file("healthcheck-client.key"),
];

const PKI: &[Entry] = &[
    file("ca.crt"),
    file("ca.key"),
    file("apiserver.crt"),
    file("apiserver.key"),
    file("apiserver-kubelet-client.crt"),
    file("apiserver-kubelet-client.key"),
    file("apiserver-etcd-client.crt"),
    file("apiserver-etcd-client.key"),
    file("front-proxy-ca.crt"),
    file("front-proxy-ca.key"),
    file("front-proxy-client.crt"),
    file("front-proxy-client.key"),
    file("sa.key"),
    file("sa.pub"),
    directory("etcd", ETCD_PKI),
];

/// kubeadm's own; static pods of others are told by what is in the file.
const MANIFESTS: &[Entry] = &[
    // The kubelet's package keeps the directory with it.
    file(".kubelet-keep"),
    file("kube-apiserver.yaml"),
    file("kube-controller-manager.yaml"),
    file("kube-scheduler.yaml"),
    file("etcd.yaml"),
];

const KUBERNETES: &[Entry] = &[
    file("admin.conf"),
    file("super-admin.conf"),
    file("kubelet.conf"),
    file("bootstrap-kubelet.conf"),
    file("controller-manager.conf"),
    file("scheduler.conf"),
    directory("manifests", MANIFESTS),
    directory("pki", PKI),
    // What an upgrade works in, and leaves.
    directory("tmp", &[tree("kubeadm-*")]),
];

/// Configuration of network plugins is told by what is in the file; these are the kubeconfigs and directories beside it.
const CNI_CONF: &[Entry] = &[
    // The package kubernetes-cni keeps the directory with it.
    file(".kubernetes-cni-keep"),
    file("calico-kubeconfig"),
    directory("multus.d", &[file("multus.kubeconfig")]),
    directory("whereabouts.d", &[file("whereabouts.kubeconfig"), file("whereabouts.conf")]),
];

const CNI_STATE: &[Entry] =
    &[tree("networks"), tree("results"), tree("cache"), tree("flannel"), tree("multus"), file("cni.lock")];

const CONTAINERD_ROOT: &[Entry] = &[tree("io.containerd.*"), tree("tmpmounts")];
const CONTAINERD_STATE: &[Entry] = &[
    tree("io.containerd.*"),
    tree("runc"),
    tree("fifo"),
    tree("s"),
    tree("tmpmounts"),
    file("containerd.sock"),
    file("containerd.sock.ttrpc"),
    file("debug.sock"),
    file("containerd.pid"),
];

const ETCD: &[Entry] = &[tree("member")];

/// What is known of each directory that a reset empties. Those that are not here belong to Kubernetes or to its network
/// plugins as a whole.
const TABLE: &[(&str, &[Entry])] = &[
    ("/etc/kubernetes", KUBERNETES),
    ("/etc/kubernetes/manifests", MANIFESTS),
    ("/etc/kubernetes/pki", PKI),
    ("/var/lib/kubelet", KUBELET),
    ("/var/lib/cni", CNI_STATE),
    ("/etc/cni/net.d", CNI_CONF),
    ("/var/lib/containerd", CONTAINERD_ROOT),
    ("/run/containerd", CONTAINERD_STATE),
    ("/var/lib/etcd", ETCD),
];

/// What of a directory is Kubernetes' own.
pub fn known(directory: &str) -> Known {
    TABLE.iter().find(|(path, _)| *path == directory).map_or(Known::All, |(_, entries)| Known::Only(entries))
}

/// What shows that Kubernetes of this machine works in a directory at this moment. What lies in it shows nothing: a backup
/// has the same. Only the state of the kubelet, containerd and etcd is told so; configuration is also read where somebody
/// else's is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// The kubelet waits for changes of this directory in it (inotify(7)).
    Watched(&'static str),
    /// Kubernetes' processes have this file of it open.
    Open(&'static str),
    /// A pod's mount namespace has something mounted that lies in this directory of it.
    Seen(&'static str),
    /// Volumes or root file systems are mounted in this directory, on the very mount.
    Carries(&'static str),
}

/// Signs of each directory; any of them will do. Without any, nothing in it proves anything.
pub fn signs(directory: &str) -> &'static [Sign] {
    match directory {
        // The kubelet's plugin watcher (pkg/kubelet/pluginmanager/pluginwatcher), its pods' files and their volumes.
        "/var/lib/kubelet" => &[Sign::Watched("plugins_registry"), Sign::Seen("pods"), Sign::Carries("pods")],
        "/var/lib/containerd" => &[Sign::Open("io.containerd.metadata.v1.bolt/meta.db")],
        "/run/containerd" => &[Sign::Carries("io.containerd.runtime.v2.task/k8s.io")],
        "/var/lib/etcd" => &[Sign::Open("member/snap/db")],
        _ => &[],
    }
}

impl Known {
    /// What is known of the entry `name` in it; nothing when it is somebody's.
    pub fn entry(self, name: &[u8], directory: bool) -> Option<Self> {
        let Self::Only(entries) = self else { return Some(Self::All) };
        entries.iter().filter(|entry| matches(entry.name, name)).find_map(|entry| match entry.is {
            Is::File => (!directory).then_some(Self::All),
            Is::Directory(known) => directory.then_some(known),
        })
    }
}

fn matches(pattern: &str, name: &[u8]) -> bool {
    match pattern.split_once('*') {
        None => pattern.as_bytes() == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len()
                && name.starts_with(start.as_bytes())
                && name.ends_with(end.as_bytes())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kubelet_writes_is_known_and_what_lies_beside_it_is_not() {
        let kubelet = known("/var/lib/kubelet");
        assert_eq!(kubelet.entry(b"pods", true), Some(Known::All));
        assert_eq!(kubelet.entry(b"config.yaml", false), Some(Known::All));
        let pki = kubelet.entry(b"pki", true).unwrap();
        assert_eq!(pki.entry(b"kubelet-client-current.pem", false), Some(Known::All));
        assert_eq!(pki.entry(b"kubelet-client-2026-11-26-00-00-00.pem", false), Some(Known::All));
        for somebodys in [&b"photos"[..], b"config.json", b"seccomp", b"notes.txt", b"config.yaml.bak"] {
            assert_eq!((kubelet.entry(somebodys, true), kubelet.entry(somebodys, false)), (None, None));
        }
        // Of the right name, and something else.
        assert_eq!((kubelet.entry(b"pods", false), kubelet.entry(b"config.yaml", true)), (None, None));
        assert_eq!(pki.entry(b"vpn.key", false), None);
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing_is_counted_twice() {
        assert!(matches("io.containerd.*", b"io.containerd.snapshotter.v1.overlayfs"));
        assert!(matches("a*a", b"aa") && !matches("a*a", b"a") && !matches("a*", b"ba"));
    }

    #[test]
    fn directories_of_network_plugins_are_theirs_as_a_whole() {
        assert_eq!(known("/run/flannel"), Known::All);
        assert_eq!(known("/run/flannel").entry(b"subnet.env", false), Some(Known::All));
    }
}
