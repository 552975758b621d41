//! The pods that the control plane and the node's network consist of. Last, because most of what can be wrong with a node
//! ends them too.

use super::critical;
use crate::kind::Kind;
use node::code::Code;

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::ControlPlaneNotRunning,
        "a program of the control plane has ended and does not come back",
        "it has printed nothing: its image, its manifest in /etc/kubernetes/manifests or a file it needs is wrong",
        "mend what its last words name; the kubelet starts it again by itself, after five minutes at most",
    ),
    critical(
        Code::KubeProxyNotRunning,
        "kube-proxy has ended and does not come back",
        "it has printed nothing: its image or its configuration, ConfigMap kube-proxy in kube-system, is wrong",
        "mend what its last words name; without it no service is reached from this node, the API server's for flannel neither",
    ),
    critical(
        Code::CorednsNotRunning,
        "CoreDNS has ended and does not come back",
        "it has printed nothing: its image or its configuration, ConfigMap coredns in kube-system, is wrong",
        "mend what its last words name; a loop means that the node's resolv.conf names the node itself, as systemd-resolved's does",
    )
    .explained_by(&[Code::KubeProxyNotRunning, Code::ApiUnreachable]),
];
