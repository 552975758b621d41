//! The pod network. None of these fails a join: the Node registers and stays NotReady, or pods stay without network.
//! They are reported after a join, when the Node does not become Ready.

use super::Action::{FixKernel, Wait};
use super::Place::{Kubelet, Runtime};
use super::{Class, Row, permanent, says, symptom};

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    symptom(Class::BridgeAddressConflict, super::Action::Clean,
        "the bridge of an earlier network still has its old address, so pods get none: delete the bridge when no pod uses it (the module cni_repair does)",
        &[says(Kubelet, 22, 38, "already has an IP address different from ", "containernetworking/plugins, bridge; flannel-io/flannel#1850"),
          says(Runtime, 22, 38, "already has an IP address different from ", "containernetworking/plugins, bridge")]).mended_with("cni_repair"),
    symptom(Class::FlannelNotRunning, Wait,
        "flannel's configuration is there but flanneld has not written its subnet file yet: wait for its pod, and read its log when that takes more than a minute",
        &[says(Kubelet, 22, 38, "failed to load flannel 'subnet.env' file: ", "flannel-io/cni-plugin"),
          says(Runtime, 22, 38, "failed to load flannel 'subnet.env' file: ", "flannel-io/cni-plugin")]),
    permanent(Class::PodCidrUnassigned,
        "the cluster gives its Nodes no pod CIDR: the controller manager needs --allocate-node-cidrs, that is, networking.podSubnet at `kubeadm init`",
        &[says(Runtime, 22, 38, "pod cidr not assigned", "flannel-io/flannel pkg/subnet/kube"),
          says(Kubelet, 22, 38, "pod cidr not assigned", "flannel-io/flannel pkg/subnet/kube")]).of_pods(),
    symptom(Class::FlannelNeedsBrNetfilter, FixKernel,
        "flannel stops because the module br_netfilter is not loaded",
        &[says(Runtime, 22, 38, "Failed to check br_netfilter: ", "flannel-io/flannel main.go"),
          says(Kubelet, 22, 38, "Failed to check br_netfilter: ", "flannel-io/flannel main.go")]),
    permanent(Class::CniPluginMissing,
        "a plugin that the CNI configuration names is not in the directory where the runtime looks: install the plugins there, or set bin_dir (the module containerd_prepare does)",
        &[says(Kubelet, 22, 38, "failed to find plugin \"{}\" in path", "containernetworking/cni pkg/invoke"),
          says(Runtime, 22, 38, "failed to find plugin \"{}\" in path", "containernetworking/cni pkg/invoke")]).of_pods(),
    permanent(Class::CniPluginCannotRun,
        "a CNI plugin is there and cannot be run: it is empty, made for another processor, not executable, or on a filesystem mounted noexec: install the plugins again",
        &[says(Kubelet, 22, 38, "netplugin failed with no error message: fork/exec {}: ", "containernetworking/cni pkg/invoke/raw_exec.go"),
          says(Runtime, 22, 38, "netplugin failed with no error message: fork/exec {}: ", "containernetworking/cni pkg/invoke/raw_exec.go"),
          says(Kubelet, 22, 38, "failed (add): fork/exec {}: ", "containernetworking/cni pkg/invoke/raw_exec.go"),
          says(Runtime, 22, 38, "failed (add): fork/exec {}: ", "containernetworking/cni pkg/invoke/raw_exec.go")]).of_pods(),
    permanent(Class::CniVersions,
        "the CNI configuration has a cniVersion that one of its plugins is too old for: install newer plugins, or lower cniVersion",
        &[says(Kubelet, 22, 38, "incompatible CNI versions; config is ", "containernetworking/cni pkg/version/reconcile.go"),
          says(Runtime, 22, 38, "incompatible CNI versions; config is ", "containernetworking/cni pkg/version/reconcile.go"),
          says(Kubelet, 22, 38, "incompatible CNI versions: config is ", "containernetworking/cni pkg/version/reconcile.go"),
          says(Runtime, 22, 38, "incompatible CNI versions: config is ", "containernetworking/cni pkg/version/reconcile.go")]).of_pods(),
    permanent(Class::CniDirectoryRemoved,
        "the directory /etc/cni/net.d was deleted while containerd 2.1 or later ran, which ends its CRI service: make it again and restart containerd",
        &[says(Runtime, 22, 38, "cni conf dir is removed, stop watching", "containerd internal/cri/server/cni_conf_syncer.go")]),
];
