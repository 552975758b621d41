//! The pod network of a joined node: kernel, bridge, VXLAN, addresses, firewall.

use super::{critical, warning};
use crate::kind::Kind;
use node::code::Code;

const CNI: &[Code] =
    &[Code::CniConfigForeign, Code::CniPlaceholderShadows, Code::CniPlaceholderLeft, Code::PodCidrMismatch];

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::BrNetfilterMissing,
        "the kernel module br_netfilter is not loaded",
        "services do not reach pods of the same node, and flannel refuses to run; kubeadm no longer checks it since 1.30",
        "modprobe br_netfilter, and name it in /etc/modules-load.d/kubernetes.conf",
    )
    .mended_by("join_prerequisites"),
    critical(
        Code::ForwardingOff,
        "the kernel does not forward packets of pods",
        "net.ipv4.ip_forward or net.bridge.bridge-nf-call-iptables is 0; another program or a sysctl file set it",
        "set both to 1, and name them in /etc/sysctl.d/kubernetes.conf",
    )
    .mended_by("join_prerequisites"),
    critical(
        Code::FlannelNotRunning,
        "flannel's configuration is there and flannel is not",
        "flanneld has not written /run/flannel/subnet.env: its pod does not run, or stops; every new pod waits for it",
        "mend what its last words name; cni_repair makes its pod on this node anew",
    )
    .mended_by("cni_repair")
    .explained_by(&[Code::BrNetfilterMissing, Code::KubeletStopped, Code::KubeletFailing, Code::ContainerdStopped, Code::SandboxImageMissing, Code::SandboxFailing, Code::CniPluginsMissing, Code::KubeProxyNotRunning, Code::ApiUnreachable]),
    critical(
        Code::PodCidrMismatch,
        "flannel's subnet is not the one the cluster gave this node",
        "/run/flannel/subnet.env was edited or is left from an earlier cluster, or the Node was deleted and made anew while flannel ran",
        "restart flannel's pod on this node, which writes the file anew, then recreate pods with addresses of the old subnet",
    )
    .mended_by("cni_repair"),
    critical(
        Code::BridgeIsNoBridge,
        "a link has the bridge's name and is none",
        "somebody made a link of that name, and no pod can be attached to it",
        "delete or rename that link: Kubernetes did not make it",
    ),
    critical(
        Code::BridgeMissing,
        "pods run and their bridge is not there",
        "somebody or something deleted it: the pods have addresses and reach nobody",
        "make it again and attach the pods: cni_repair does it without restarting them",
    )
    .mended_by("cni_repair"),
    critical(
        Code::BridgeAddressWrong,
        "the pods' bridge has an address that is not this node's",
        "it was made by an earlier cluster or by a placeholder; new pods fail with \"already has an IP address different from\"",
        "remove the bridge when its pods are recreated: cni_repair does it in order",
    )
    .mended_by("cni_repair")
    .explained_by(CNI),
    critical(
        Code::BridgeAddressMissing,
        "the pods' bridge has no address",
        "somebody or something took it away: pods reach each other and nobody else, because their gateway is gone",
        "give it the first address of this node's subnet: cni_repair does it",
    )
    .mended_by("cni_repair"),
    critical(
        Code::BridgeDown,
        "the pods' bridge is down",
        "somebody or something set it down; no pod of this node reaches anything",
        "set it up: ip link set cni0 up",
    )
    .mended_by("cni_repair"),
    critical(
        Code::VethMissing,
        "pods' network interfaces are gone",
        "somebody or something deleted the host's end of their links: these pods reach nobody",
        "recreate these pods: cni_repair does it",
    )
    .mended_by("cni_repair"),
    critical(
        Code::VethDown,
        "pods' network interfaces are down",
        "somebody or something set the host's end of their links down: these pods reach nobody",
        "set them up: cni_repair does it",
    )
    .mended_by("cni_repair"),
    critical(
        Code::PodsUnattached,
        "pods' network interfaces are not attached to the bridge",
        "the bridge was deleted and made anew while pods were running: they have an address and reach nothing",
        "recreate those pods, or attach their ends: cni_repair does it",
    )
    .mended_by("cni_repair"),
    critical(
        Code::PodAddressesForeign,
        "pods have addresses that are not this node's",
        "they were made with a placeholder or by an earlier cluster: other nodes hand out the same addresses",
        "recreate them: cni_placeholder state=handover, or cni_repair",
    )
    .mended_by("cni_repair")
    .explained_by(CNI),
    critical(
        Code::VxlanMissing,
        "flannel's VXLAN is missing or down",
        "flannel runs and its interface is not there or not up: pods do not reach other nodes",
        "restart flannel's pod on this node; look for another program on UDP port 8472",
    )
    .mended_by("cni_repair")
    .explained_by(&[Code::FlannelNotRunning]),
    critical(
        Code::FlannelPathWrong,
        "what flannel has set for the way to other nodes is not there any more, or differs",
        "flanneld sets the tunnel, routes, neighbours and forwarding entries once, when it or a node comes, and the rules that masquerade once or every five seconds; what is changed after that stays changed",
        "restart flannel's pod on this node, which sets them anew: cni_repair does it",
    )
    .mended_by("cni_repair")
    .explained_by(&[Code::VxlanMissing, Code::FlannelNotRunning, Code::PodCidrMismatch, Code::ApiUnreachable]),
    critical(
        Code::TunnelBlocked,
        "the firewall drops flannel's packets between nodes",
        "pods of other nodes are reached through a tunnel over UDP (8472, or the port in flannel's configuration), and a rule or policy of INPUT or OUTPUT drops that: everything that flannel set is there",
        "accept the port of the evidence from and to the other nodes",
    ),
    critical(
        Code::PodRouteShadowed,
        "a route takes packets for pods elsewhere",
        "it is more specific than flannel's or the bridge's: a VPN, a network card or bridge in the pod network's range, or a blackhole; everything that flannel set is there",
        "remove the route or the address that it comes from, or give one of the two networks another range",
    ),
    critical(
        Code::AddressesExhausted,
        "this node's range of pod addresses is used up",
        "every address has a lease, mostly of pods that ended without their CNI DEL: new pods fail with \"no IP addresses available in range set\"",
        "delete the leases whose pods are gone: cni_repair does it and keeps a backup",
    )
    .mended_by("cni_repair"),
    critical(
        Code::ForwardDropped,
        "the firewall drops packets of pods",
        "the FORWARD chain drops by policy or rule and nothing accepts the pod network: mostly Docker, ufw or firewalld",
        "accept the pod network in FORWARD, or let flannel do it (its option -iptables-forward-rules, the default)",
    ),
    critical(
        Code::IptablesBackendsMixed,
        "Kubernetes' rules are in both iptables back ends",
        "kube-proxy, the CNI or the host use iptables-legacy and iptables-nft at once: packets meet both, and old rules stay",
        "choose one (update-alternatives --set iptables), reset or reboot, and let kube-proxy write its rules anew",
    )
    .mended_by("aggressive_reset"),
    critical(
        Code::NodeNotReady,
        "the cluster says that this node is not Ready",
        "the kubelet said so, or has not been heard of; nothing else was found here",
        "read the message; a node that has just joined or was just mended needs some seconds",
    )
    .explained_by(&[Code::NodeIpForeign, Code::KubeletProxied]),
    warning(
        Code::NetworkLeftBehind,
        "another pod network that does not run here has left links, chains or sets",
        "it was removed from the cluster, or the node came from another one: its chains may drop what the present network sends, its links and routes may hold that one's addresses",
        "take the node out and in again (./deploy.sh reset, then join), which takes away what is proved to be of a pod network; then reboot for the rest",
    ),
    warning(
        Code::MtuMismatch,
        "the pods' interfaces have a larger MTU than their way allows",
        "a VXLAN needs 50 bytes less than the link below it; large packets disappear while small ones arrive",
        "give the link below the MTU it had, or restart flannel's pod and then recreate this node's pods, which get the MTU of /run/flannel/subnet.env",
    ),
    warning(
        Code::LeasesStale,
        "address leases of pods that are gone are left",
        "pods ended without their CNI DEL, after a crash or a reset by hand; addresses run out in the end",
        "delete the lease files that the evidence names: cni_repair keeps a backup",
    )
    .mended_by("cni_repair"),
];
