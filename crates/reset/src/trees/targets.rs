//! What may be deleted, all of it: a fixed list. Nothing else is, whatever is found on the node.
//!
//! The paths are kubeadm's (`cmd/kubeadm/app/cmd/phases/reset/cleanupnode.go`), the kubelet's, containerd's defaults and
//! those of the CNI plugins. Spelled as they really are: /run, not /var/run, which is a link.
//! A directory's contents go, never the directory: containerd 2.1 and later dies when /etc/cni/net.d is deleted
//! (containerd, `internal/cri/server/cni_conf_syncer.go`), and a target may be a mount of its own.

use std::path::{Path, PathBuf};

use host::remove::What;

use crate::args::{Args, Level, Part};

/// containerd's data and, beside it, its running state.
pub const CONTAINERD: [&str; 2] = ["/var/lib/containerd", "/run/containerd"];
/// Static pods.
pub const MANIFESTS: &str = "/etc/kubernetes/manifests";
/// CNI configuration.
pub const CNI_CONF: &str = "/etc/cni/net.d";
/// CNI state.
pub const CNI_STATE: &str = "/var/lib/cni";
/// etcd's data.
pub const ETCD: &str = "/var/lib/etcd";
/// What kubeadm and kubectl keep for root.
pub const KUBE_HOME: &str = "/root/.kube";

/// Something to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The part it belongs to.
    pub part: Part,
    /// Where it is.
    pub path: PathBuf,
    /// The contents of a directory, or a file.
    pub what: What,
}

/// The files of /etc/kubernetes that kubeadm itself deletes.
const CONFIGS: [&str; 6] = [
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];

/// In the order in which they are deleted: what makes a node look joined goes first, so that after a crash it does not.
pub fn all(level: Level) -> Vec<Target> {
    let directory = |part, path: &str| Target { part, path: path.into(), what: What::Contents };
    let file = |name: &&str| Target {
        part: Part::Kubernetes,
        path: Path::new("/etc/kubernetes").join(name),
        what: What::Tree,
    };
    let mut list = vec![directory(Part::Kubernetes, MANIFESTS)];
    match level {
        Level::Gentle => {
            list.extend(CONFIGS.iter().map(file));
            list.push(directory(Part::Kubernetes, "/etc/kubernetes/pki"));
        }
        Level::Aggressive => list.push(directory(Part::Kubernetes, "/etc/kubernetes")),
    }
    list.push(directory(Part::Kubelet, "/var/lib/kubelet"));
    list.push(directory(Part::Kubelet, "/var/lib/dockershim"));
    list.push(directory(Part::Kubelet, "/run/kubernetes"));
    list.push(directory(Part::Cni, CNI_STATE));
    list.push(directory(Part::Cni, "/run/flannel"));
    if level == Level::Aggressive {
        for path in
            [CNI_CONF, "/run/calico", "/var/lib/calico", "/run/cilium", "/var/lib/kube-router", "/var/lib/weave"]
        {
            list.push(directory(Part::Cni, path));
        }
        list.extend(CONTAINERD.map(|path| directory(Part::Containerd, path)));
        list.push(directory(Part::Etcd, ETCD));
    }
    list
}

/// Those that the options ask for.
pub fn wanted(args: &Args) -> Vec<Target> {
    all(args.level).into_iter().filter(|target| args.wants(target.part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gentle_leaves_what_a_join_needs() {
        let paths: Vec<_> = all(Level::Gentle).into_iter().map(|target| target.path).collect();
        for needed in [CNI_CONF, CONTAINERD[0], CONTAINERD[1], ETCD, "/opt/cni/bin", "/etc/kubernetes"] {
            assert!(!paths.contains(&PathBuf::from(needed)), "{needed}");
        }
    }

    #[test]
    fn no_target_is_near_the_root_and_none_is_spelled_through_a_link() {
        for target in all(Level::Aggressive) {
            assert!(target.path.components().count() > 2, "{target:?}");
            assert!(!target.path.starts_with("/var/run"), "{target:?}");
            assert!(
                target.what == What::Contents || target.path.extension().is_some() || target.path.ends_with("config")
            );
        }
    }
}
