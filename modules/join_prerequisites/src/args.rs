//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::{Context as _, ensure};
use host::cidr::Cidr;
use kubeadm::endpoint::Endpoint;
use kubeadm::version::Version;
use prerequisites::planned::PlannedJoin;
use serde::Deserialize;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "join_prerequisites",
    summary: "Check what a join needs of this node, and mend what is safe to mend",
    options: &[
        Opt::new(
            "control_plane_endpoint",
            Kind::Str,
            "Address of the API server, host:port. Without it nothing is asked of the cluster.",
        )
        .aliases(&["endpoint"]),
        Opt::new("ca_cert_hashes", Kind::List(&Kind::Str), "Hashes the cluster's CA must have, sha256:<hex>.")
            .aliases(&["ca_cert_hash"])
            .default("[]"),
        Opt::new("token_id", Kind::Str, "The public half of the bootstrap token, to see whether the cluster knows it.")
            // Not for its own sake: who gives the whole token by mistake finds it nowhere.
            .no_log(),
        Opt::new("control_plane_version", Kind::Str, "Version of the control plane, for the versions' distance."),
        Opt::new("cri_socket", Kind::Str, "Socket of the container runtime.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("node_name", Kind::Str, "Name the Node is to have. Default is the host's name in lower case."),
        Opt::new(
            "fix",
            Kind::Bool,
            "Mend what is safe to mend: kernel modules, sysctls, the kubelet's drop-in, a stopped runtime.",
        )
        .default("false"),
        Opt::new(
            "scope",
            Kind::Str,
            "V(kernel) looks at the kernel alone, and whether the next boot sets it up, too: modules, forwarding, bridges, cgroups, inotify limits, and swap with O(swap=off). For a node that is only being prepared.",
        )
        .default("\"all\"")
        .choices(&["all", "kernel"]),
        Opt::new(
            "swap",
            Kind::Str,
            "With V(off), swap that is on or comes back at the next boot fails, and O(fix) switches it off for good: in C(/etc/fstab), its units, and in compressed memory. Nothing else ever switches swap off.",
        )
        .default("\"keep\"")
        .choices(&["keep", "off"]),
        Opt::new(
            "pod_cidrs",
            Kind::List(&Kind::Str),
            "Networks of the cluster's pods. With one of IPv6 among them IPv6 forwarding is checked, too, and O(fix) sets it so that default routes of router advertisements stay.",
        )
        .default("[]"),
        Opt::new("fail_on", Kind::Str, "Which result of a check fails the task.")
            .default("\"fail\"")
            .choices(&["fail", "warn", "never"]),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The join that is to come.
    #[serde(flatten)]
    pub join: PlannedJoin,
    /// Whether anything may be changed.
    pub fix: bool,
    /// What fails the task.
    pub fail_on: FailOn,
}

/// What fails the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailOn {
    /// A check that fails.
    Fail,
    /// Also one that warns.
    Warn,
    /// Nothing.
    Never,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        let join = &self.join;
        if let Some(text) = &join.control_plane_endpoint {
            Endpoint::parse(text).with_context(|| format!("option control_plane_endpoint is {text:?}"))?;
        }
        for hash in &join.ca_cert_hashes {
            let hex = hash.strip_prefix("sha256:").unwrap_or_default();
            ensure!(
                hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
                "option ca_cert_hashes has {hash:?}: it must be sha256: and 64 hexadecimal digits"
            );
        }
        if let Some(id) = &join.token_id {
            ensure!(
                id.len() == 6 && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
                "option token_id is {:?}: it must be the six characters before the token's dot, and not the whole token",
                id.get(..6).unwrap_or(id)
            );
        }
        if let Some(text) = &join.control_plane_version {
            Version::parse(text).with_context(|| {
                format!("option control_plane_version is {text:?}: it must be a version such as 1.31.2")
            })?;
        }
        for cidr in &join.pod_cidrs {
            cidr.parse::<Cidr>().with_context(|| {
                format!("option pod_cidrs has {cidr:?}: it must be a network such as 10.244.0.0/16")
            })?;
        }
        ensure!(
            join.cri_socket.starts_with("unix:///") || join.cri_socket.starts_with('/'),
            "option cri_socket is {:?}: it must be unix:// and an absolute path",
            join.cri_socket
        );
        Ok(())
    }
}
