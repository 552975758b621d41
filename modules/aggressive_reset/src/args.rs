//! The options; what they mean is the crate `reset`'s.

use ansible::{Kind, Opt, Spec};
use reset::args::PARTS;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "aggressive_reset",
    summary: "Take a node out of its cluster, and lose nothing that is not Kubernetes' own",
    options: &[
        Opt::new(
            "level",
            Kind::Str,
            "gentle undoes a join and keeps containerd, its images, the CNI configuration, links and the firewall. \
             aggressive removes everything of Kubernetes.",
        )
        .default("\"aggressive\"")
        .choices(&["gentle", "aggressive"]),
        Opt::new(
            "preserve",
            Kind::List(&Kind::Path),
            "Directories that must not change. The module refuses to start when one of them lies under or over anything it \
             deletes, also through a link or a bind mount, and compares them before and after.",
        )
        .default("[\"/srv/media\", \"/mnt/media\"]"),
        Opt::new("scope", Kind::List(&Kind::Str), "Only these parts. Default: all that the level has. kubelet and containerd imply pods.").choices(PARTS),
        Opt::new(
            "allow_control_plane",
            Kind::Bool,
            "Also reset a node that runs a control plane or has etcd data. That ends the cluster when it is the only one.",
        )
        .default("false"),
        Opt::new(
            "allow_other_kubernetes",
            Kind::Bool,
            "Also reset a node on which k3s, k0s, rke2 or microk8s is at work: its pods end and its network goes.",
        )
        .default("false"),
        Opt::new(
            "pod_networks",
            Kind::List(&Kind::Str),
            "Networks of pods, such as 10.244.0.0/16, beyond those that the node itself tells. Links, routes and rules that are \
             kept because nothing proves them to be Kubernetes' are its own when they are about one of these.",
        )
        .default("[]"),
        Opt::new(
            "containerd_config",
            Kind::Str,
            "repair enables CRI in containerd's configuration and leaves cgroups to systemd, as containerd_prepare does, and \
             changes nothing else in it. keep leaves it alone. Level aggressive only, and only where containerd is not shared.",
        )
        .default("\"repair\"")
        .choices(&["repair", "keep"]),
        Opt::new(
            "unknown",
            Kind::Str,
            "What becomes of entries of /etc/kubernetes, /var/lib/kubelet, /var/lib/cni, /etc/cni/net.d and containerd's \
             directories that are not known to be Kubernetes' own: notes, backups, policies, other people's configuration. \
             keep leaves and names them; delete deletes them, too.",
        )
        .default("\"keep\"")
        .choices(&["keep", "delete"]),
        Opt::new(
            "own_paths",
            Kind::List(&Kind::Path),
            "Directories that are Kubernetes' own although something else is mounted there (/var/lib/kubelet), or a link \
             leads there (/data/kubelet). Without it a mount of something else is kept unless Kubernetes of this node is seen at \
             work in it or the machine mounts it there when it starts, and a directory that has another name, or is reached \
             through a link, is refused.",
        )
        .default("[]"),
        Opt::new("timeout", Kind::Int, "Seconds for all of it.").default("300"),
    ],
    rules: &[],
};
