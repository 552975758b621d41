//! The kubelet.

use super::{critical, warning};
use crate::kind::Kind;
use node::code::Code;

const RUNTIME: &[Code] = &[
    Code::ContainerdMissing,
    Code::ContainerdConfigInvalid,
    Code::ContainerdMasked,
    Code::ContainerdFailed,
    Code::ContainerdStopped,
    Code::ContainerdHung,
    Code::ContainerdSocketMissing,
    Code::CriDisabled,
    Code::CriNotLoaded,
    Code::CgroupDriverMismatch,
    Code::ClockOff,
    Code::InotifyExhausted,
    Code::FilesystemFull,
    Code::FilesystemReadOnly,
    Code::InodesExhausted,
];

/// What is not there keeps the kubelet itself from starting, besides what its runtime lacks.
const FAILING: &[Code] = &[
    Code::ContainerdMissing,
    Code::ContainerdConfigInvalid,
    Code::ContainerdMasked,
    Code::ContainerdFailed,
    Code::ContainerdStopped,
    Code::ContainerdHung,
    Code::ContainerdSocketMissing,
    Code::CriDisabled,
    Code::CriNotLoaded,
    Code::CgroupDriverMismatch,
    Code::ClockOff,
    Code::InotifyExhausted,
    Code::FilesystemFull,
    Code::FilesystemReadOnly,
    Code::InodesExhausted,
    Code::KubeletFileMissing,
    Code::KubeletCertificateExpired,
    Code::KubeletCredentialsMissing,
    Code::NodeIpForeign,
    Code::KubeletProxied,
];

pub(super) static KINDS: &[Kind] = &[
    critical(
        Code::KubeletMissing,
        "the kubelet is not installed",
        "there is no kubelet.service",
        "install kubeadm and kubelet of the cluster's version",
    ),
    critical(
        Code::NotJoined,
        "this node is not part of a cluster",
        "it has never joined, or it was reset",
        "join it: ./deploy.sh join --limit NODE",
    ),
    critical(
        Code::KubeletMasked,
        "the kubelet's unit is masked on a joined node",
        "a join was interrupted, or somebody masked it: the kubelet cannot start",
        "unmask it: kubelet_mask state=unmasked, or systemctl unmask kubelet",
    )
    .mended_by("kubelet_mask"),
    critical(
        Code::KubeletStandalone,
        "the kubelet runs without an API server",
        "it was started without --kubeconfig: kubeadm's drop-in for its unit is missing, malformed, or hidden by another of the same name",
        "put the drop-in 10-kubeadm.conf of the package back, daemon-reload, and restart the kubelet",
    )
    .mended_by("join_prerequisites"),
    critical(
        Code::KubeletCredentialsMissing,
        "the kubelet's credentials are incomplete",
        "kubelet.conf cannot be read, or names a client certificate that is not there: the join ended before it was issued, or it was deleted",
        "join the node again, as the same machine: ./deploy.sh join --limit NODE",
    )
    .mended_by("kubeadm_join_guarded")
    .explained_by(&[Code::ClockOff]),
    critical(
        Code::KubeletCertificateExpired,
        "the kubelet's client certificate has expired",
        "the node was off, or could not reach the control plane, for longer than its certificate is good (a year): it cannot renew it any more",
        "join the node again, as the same machine: ./deploy.sh join --limit NODE",
    )
    .mended_by("kubeadm_join_guarded")
    .explained_by(&[Code::ClockOff]),
    critical(
        Code::NodeIpForeign,
        "the kubelet is to use an address that this machine has not",
        "its option node-ip names an address that no link has (any more): the kubelet registers no address, and the Node does not become Ready",
        "give node-ip an address of this machine, or leave it away, in /etc/default/kubelet or /var/lib/kubelet/kubeadm-flags.env, and restart the kubelet",
    ),
    critical(
        Code::KubeletProxied,
        "the kubelet goes to the API server through a proxy",
        "its environment has HTTPS_PROXY, and NO_PROXY does not except the API server: what reaches it from a shell says nothing of the kubelet's way",
        "put the API server's address and the service network into NO_PROXY of kubelet.service (systemctl edit kubelet), and restart it",
    ),
    critical(
        Code::KubeletFileMissing,
        "a file that the kubelet's configuration names is missing or has nothing in it",
        "it was deleted or moved, or the service that wrote it no longer runs; the kubelet, or every pod it starts, fails with it",
        "put the file back, or name the right one in /var/lib/kubelet/config.yaml and restart the kubelet",
    ),
    critical(
        Code::SwapOn,
        "swap is on and the kubelet refuses to run with it",
        "failSwapOn is true, which is the default",
        "swapoff -a and remove swap from /etc/fstab, or set failSwapOn: false in the kubelet's configuration",
    ),
    critical(
        Code::KubeletFailing,
        "the kubelet does not stay up",
        "its journal has the reason, which the evidence quotes",
        "mend what the evidence names",
    )
    .explained_by(FAILING),
    critical(
        Code::KubeletUnhealthy,
        "the kubelet runs and says that it is not well",
        "its health endpoint does not answer with 200",
        "read its journal; restart it when it hangs",
    )
    .explained_by(RUNTIME),
    critical(
        Code::KubeletStopped,
        "the kubelet of a joined node is not running",
        "it was stopped",
        "start it: systemctl start kubelet",
    )
    .explained_by(&[Code::KubeletMasked, Code::KubeletFailing]),
    critical(
        Code::CredentialsRejected,
        "the API server refuses this node's credentials",
        "the client certificate has expired, is of another cluster, or the control plane was made anew",
        "compare the cluster's CA with /etc/kubernetes/pki/ca.crt; then reset the node and join it again",
    )
    .mended_by("aggressive_reset")
    .explained_by(&[Code::ClockOff, Code::KubeletCredentialsMissing, Code::KubeletCertificateExpired]),
    critical(
        Code::NodeDeleted,
        "the cluster knows no Node of this name",
        "somebody deleted the Node, or the machine's name has changed; a kubelet registers only when it starts",
        "restart the kubelet, which registers the Node anew; reset and join when its name has changed",
    )
    .mended_by("kubeadm_join_guarded"),
    critical(
        Code::ApiUnreachable,
        "the API server cannot be reached from this node",
        "the control plane is down, its address has changed, or something on the way drops the connection",
        "look whether the API server runs, then at the route and firewalls between this node and its address",
    )
    .explained_by(&[Code::ContainerdStopped, Code::ContainerdFailed, Code::ContainerdHung, Code::ContainerdSocketMissing, Code::ContainerdMasked, Code::CriDisabled, Code::CriNotLoaded, Code::KubeletMasked, Code::KubeletStopped, Code::KubeletFailing, Code::FilesystemFull, Code::FilesystemReadOnly, Code::ControlPlaneNotRunning]),
    warning(
        Code::ResolverLoopback,
        "pods get a name server that is the pod itself",
        "the resolv.conf that the kubelet hands on has a loopback address, such as systemd-resolved's or dnsmasq's: in a pod that is the pod, and CoreDNS asks itself until it ends",
        "name a resolv.conf with the real name servers (resolvConf in /var/lib/kubelet/config.yaml; systemd-resolved keeps one in /run/systemd/resolve/resolv.conf), and restart the kubelet",
    ),
    warning(
        Code::KubeletNotEnabled,
        "the kubelet will not start at boot",
        "its unit is disabled, or masked until the next boot",
        "systemctl enable kubelet",
    )
    .explained_by(&[Code::KubeletMasked, Code::KubeletMissing]),
];
