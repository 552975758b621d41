//! The pod network. None of these fails a join: the Node registers and stays NotReady, or pods stay without network.
//! They are reported after a join, when the Node does not become Ready.

use super::Action::{FixKernel, Wait};
use super::Place::{Kubelet, Runtime};
use super::{Row, hopeless, says, symptom};

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    symptom("bridge_address_conflict", super::Action::Clean,
        "the bridge of an earlier network still has its old address, so pods get none: delete the bridge when no pod uses it (the module cni_repair does)",
        &[says(Kubelet, 22, 36, "already has an IP address different from ", "containernetworking/plugins, bridge; flannel-io/flannel#1850"),
          says(Runtime, 22, 36, "already has an IP address different from ", "containernetworking/plugins, bridge")]),
    symptom("flannel_not_running", Wait,
        "flannel's configuration is there but flanneld has not written its subnet file yet: wait for its pod, and read its log when that takes more than a minute",
        &[says(Kubelet, 22, 36, "failed to load flannel 'subnet.env' file: ", "flannel-io/cni-plugin"),
          says(Runtime, 22, 36, "failed to load flannel 'subnet.env' file: ", "flannel-io/cni-plugin")]),
    hopeless("pod_cidr_unassigned",
        "the cluster gives its Nodes no pod CIDR: the controller manager needs --allocate-node-cidrs, that is, networking.podSubnet at `kubeadm init`",
        &[says(Runtime, 22, 36, "pod cidr not assigned", "flannel-io/flannel pkg/subnet/kube"),
          says(Kubelet, 22, 36, "pod cidr not assigned", "flannel-io/flannel pkg/subnet/kube")]),
    symptom("flannel_needs_br_netfilter", FixKernel,
        "flannel stops because the module br_netfilter is not loaded",
        &[says(Runtime, 22, 36, "Failed to check br_netfilter: ", "flannel-io/flannel main.go"),
          says(Kubelet, 22, 36, "Failed to check br_netfilter: ", "flannel-io/flannel main.go")]),
    hopeless("cni_plugin_missing",
        "a plugin that the CNI configuration names is not in the directory where the runtime looks: install the plugins there, or set bin_dir (the module containerd_prepare does)",
        &[says(Kubelet, 22, 36, "failed to find plugin \\\"{}\\\" in path", "containernetworking/cni pkg/invoke"),
          says(Runtime, 22, 36, "failed to find plugin \"{}\" in path", "containernetworking/cni pkg/invoke")]),
    hopeless("cni_directory_removed",
        "the directory /etc/cni/net.d was deleted while containerd 2.1 or later ran, which ends its CRI service: make it again and restart containerd",
        &[says(Runtime, 22, 36, "cni conf dir is removed, stop watching", "containerd internal/cri/server/cni_conf_syncer.go")]),
];
