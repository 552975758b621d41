//! The kubelet.

use super::{critical, warning};
use crate::finding::Kind;

const RUNTIME: &[&str] = &[
    "containerd_missing",
    "containerd_config_invalid",
    "containerd_masked",
    "containerd_failed",
    "containerd_stopped",
    "containerd_hung",
    "cri_disabled",
    "cri_not_loaded",
    "cgroup_driver_mismatch",
    "clock_off",
    "inotify_exhausted",
    "filesystem_full",
    "filesystem_read_only",
    "inodes_exhausted",
];

/// What is not there keeps the kubelet itself from starting, besides what its runtime lacks.
const FAILING: &[&str] = &[
    "containerd_missing",
    "containerd_config_invalid",
    "containerd_masked",
    "containerd_failed",
    "containerd_stopped",
    "containerd_hung",
    "cri_disabled",
    "cri_not_loaded",
    "cgroup_driver_mismatch",
    "clock_off",
    "inotify_exhausted",
    "filesystem_full",
    "filesystem_read_only",
    "inodes_exhausted",
    "kubelet_file_missing",
    "kubelet_certificate_expired",
    "kubelet_credentials_missing",
    "node_ip_foreign",
    "kubelet_proxied",
];

pub(super) static KINDS: &[Kind] = &[
    critical(
        "kubelet_missing",
        "the kubelet is not installed",
        "there is no kubelet.service",
        "install kubeadm and kubelet of the cluster's version",
    ),
    critical(
        "not_joined",
        "this node is not part of a cluster",
        "it has never joined, or it was reset",
        "join it: ./deploy.sh join --limit NODE",
    ),
    critical(
        "kubelet_masked",
        "the kubelet's unit is masked on a joined node",
        "a join was interrupted, or somebody masked it: the kubelet cannot start",
        "unmask it: kubelet_mask state=unmasked, or systemctl unmask kubelet",
    )
    .mended_by("kubelet_mask"),
    critical(
        "kubelet_standalone",
        "the kubelet runs without an API server",
        "it was started without --kubeconfig: kubeadm's drop-in for its unit is missing, malformed, or hidden by another of the same name",
        "put the drop-in 10-kubeadm.conf of the package back, daemon-reload, and restart the kubelet",
    )
    .mended_by("join_prerequisites"),
    critical(
        "kubelet_credentials_missing",
        "the kubelet's credentials are incomplete",
        "kubelet.conf cannot be read, or names a client certificate that is not there: the join ended before it was issued, or it was deleted",
        "join the node again, as the same machine: ./deploy.sh join --limit NODE",
    )
    .mended_by("kubeadm_join_guarded")
    .explained_by(&["clock_off"]),
    critical(
        "kubelet_certificate_expired",
        "the kubelet's client certificate has expired",
        "the node was off, or could not reach the control plane, for longer than its certificate is good (a year): it cannot renew it any more",
        "join the node again, as the same machine: ./deploy.sh join --limit NODE",
    )
    .mended_by("kubeadm_join_guarded")
    .explained_by(&["clock_off"]),
    critical(
        "node_ip_foreign",
        "the kubelet is to use an address that this machine has not",
        "its option node-ip names an address that no link has (any more): the kubelet registers no address, and the Node does not become Ready",
        "give node-ip an address of this machine, or leave it away, in /etc/default/kubelet or /var/lib/kubelet/kubeadm-flags.env, and restart the kubelet",
    ),
    critical(
        "kubelet_proxied",
        "the kubelet goes to the API server through a proxy",
        "its environment has HTTPS_PROXY, and NO_PROXY does not except the API server: what reaches it from a shell says nothing of the kubelet's way",
        "put the API server's address and the service network into NO_PROXY of kubelet.service (systemctl edit kubelet), and restart it",
    ),
    critical(
        "kubelet_file_missing",
        "a file that the kubelet's configuration names is missing or has nothing in it",
        "it was deleted or moved, or the service that wrote it no longer runs; the kubelet, or every pod it starts, fails with it",
        "put the file back, or name the right one in /var/lib/kubelet/config.yaml and restart the kubelet",
    ),
    critical(
        "swap_on",
        "swap is on and the kubelet refuses to run with it",
        "failSwapOn is true, which is the default",
        "swapoff -a and remove swap from /etc/fstab, or set failSwapOn: false in the kubelet's configuration",
    ),
    critical(
        "kubelet_failing",
        "the kubelet does not stay up",
        "its journal has the reason, which the evidence quotes",
        "mend what the evidence names",
    )
    .explained_by(FAILING),
    critical(
        "kubelet_unhealthy",
        "the kubelet runs and says that it is not well",
        "its health endpoint does not answer with 200",
        "read its journal; restart it when it hangs",
    )
    .explained_by(RUNTIME),
    critical(
        "kubelet_stopped",
        "the kubelet of a joined node is not running",
        "it was stopped",
        "start it: systemctl start kubelet",
    )
    .explained_by(&["kubelet_masked", "kubelet_failing"]),
    critical(
        "credentials_rejected",
        "the API server refuses this node's credentials",
        "the client certificate has expired, is of another cluster, or the control plane was made anew",
        "compare the cluster's CA with /etc/kubernetes/pki/ca.crt; then reset the node and join it again",
    )
    .mended_by("kubeadm_join_guarded")
    .explained_by(&["clock_off", "kubelet_credentials_missing", "kubelet_certificate_expired"]),
    critical(
        "node_deleted",
        "the cluster knows no Node of this name",
        "somebody deleted the Node, or the machine's name has changed; a kubelet registers only when it starts",
        "restart the kubelet, which registers the Node anew; reset and join when its name has changed",
    )
    .mended_by("kubeadm_join_guarded"),
    critical(
        "api_unreachable",
        "the API server cannot be reached from this node",
        "the control plane is down, its address has changed, or something on the way drops the connection",
        "look whether the API server runs, then at the route and firewalls between this node and its address",
    )
    .explained_by(&["containerd_stopped", "containerd_failed", "containerd_hung", "containerd_masked", "cri_disabled", "cri_not_loaded", "kubelet_masked", "kubelet_stopped", "kubelet_failing", "filesystem_full", "filesystem_read_only", "control_plane_not_running"]),
    warning(
        "resolver_loopback",
        "pods get a name server that is the pod itself",
        "the resolv.conf that the kubelet hands on has a loopback address, such as systemd-resolved's or dnsmasq's: in a pod that is the pod, and CoreDNS asks itself until it ends",
        "name a resolv.conf with the real name servers (resolvConf in /var/lib/kubelet/config.yaml; systemd-resolved keeps one in /run/systemd/resolve/resolv.conf), and restart the kubelet",
    ),
    warning(
        "kubelet_not_enabled",
        "the kubelet will not start at boot",
        "its unit is disabled, or masked until the next boot",
        "systemctl enable kubelet",
    )
    .explained_by(&["kubelet_masked", "kubelet_missing"]),
];
