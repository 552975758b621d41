//! The pod network of a joined node: kernel, bridge, VXLAN, addresses, firewall.

use super::{critical, warning};
use crate::finding::Kind;

const CNI: &[&str] = &["cni_placeholder_shadows", "cni_placeholder_left"];

pub(super) static KINDS: &[Kind] = &[
    critical(
        "br_netfilter_missing",
        "the kernel module br_netfilter is not loaded",
        "services do not reach pods of the same node, and flannel refuses to run; kubeadm no longer checks it since 1.30",
        "modprobe br_netfilter, and name it in /etc/modules-load.d/kubernetes.conf",
    )
    .mended_by("join_prerequisites"),
    critical(
        "forwarding_off",
        "the kernel does not forward packets of pods",
        "net.ipv4.ip_forward or net.bridge.bridge-nf-call-iptables is 0; another program or a sysctl file set it",
        "set both to 1, and name them in /etc/sysctl.d/kubernetes.conf",
    )
    .mended_by("join_prerequisites"),
    critical(
        "flannel_not_running",
        "flannel's configuration is there and flannel is not",
        "flanneld has not written /run/flannel/subnet.env: its pod does not run, or stops; every new pod waits for it",
        "read the log of flannel's pod on this node",
    )
    .mended_by("flannel_config")
    .explained_by(&["br_netfilter_missing", "kubelet_stopped", "kubelet_failing", "containerd_stopped", "cni_plugins_missing"]),
    critical(
        "bridge_address_wrong",
        "the pods' bridge has an address that is not this node's",
        "it was made by an earlier cluster or by a placeholder; new pods fail with \"already has an IP address different from\"",
        "remove the bridge when its pods are recreated: cni_repair does it in order",
    )
    .mended_by("cni_repair")
    .explained_by(CNI),
    critical(
        "bridge_down",
        "the pods' bridge is down",
        "somebody or something set it down; no pod of this node reaches anything",
        "set it up: ip link set cni0 up",
    )
    .mended_by("cni_repair"),
    critical(
        "pods_unattached",
        "pods' network interfaces are not attached to the bridge",
        "the bridge was deleted and made anew while pods were running: they have an address and reach nothing",
        "recreate those pods, or attach their ends: cni_repair does it",
    )
    .mended_by("cni_repair"),
    critical(
        "pod_addresses_foreign",
        "pods have addresses that are not this node's",
        "they were made with a placeholder or by an earlier cluster: other nodes hand out the same addresses",
        "recreate them: cni_placeholder state=handover, or cni_repair",
    )
    .mended_by("cni_repair")
    .explained_by(CNI),
    critical(
        "vxlan_missing",
        "flannel's VXLAN is missing or down",
        "flannel runs and its interface is not there or not up: pods do not reach other nodes",
        "restart flannel's pod on this node; look for another program on UDP port 8472",
    )
    .mended_by("cni_repair")
    .explained_by(&["flannel_not_running"]),
    critical(
        "forward_dropped",
        "the firewall drops packets of pods",
        "the FORWARD chain drops by policy or rule and nothing accepts the pod network: mostly Docker, ufw or firewalld",
        "accept the pod network in FORWARD, or let flannel do it (its option -iptables-forward-rules, the default)",
    ),
    critical(
        "iptables_backends_mixed",
        "Kubernetes' rules are in both iptables back ends",
        "kube-proxy, the CNI or the host use iptables-legacy and iptables-nft at once: packets meet both, and old rules stay",
        "choose one (update-alternatives --set iptables), reset or reboot, and let kube-proxy write its rules anew",
    )
    .mended_by("aggressive_reset"),
    warning(
        "mtu_mismatch",
        "the pods' interfaces have a larger MTU than their way allows",
        "a VXLAN needs 50 bytes less than the link below it; large packets disappear while small ones arrive",
        "set the MTU that flannel wrote into /run/flannel/subnet.env, or recreate the bridge",
    ),
    warning(
        "leases_stale",
        "address leases of pods that are gone are left",
        "pods ended without their CNI DEL, after a crash or a reset by hand; addresses run out in the end",
        "delete the lease files that the evidence names: cni_repair keeps a backup",
    )
    .mended_by("cni_repair"),
];
