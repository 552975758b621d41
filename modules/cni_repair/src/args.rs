//! The options, and what makes them wrong.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use host::cidr::Cidr;
use serde::Deserialize;
use std::path::PathBuf;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "cni_repair",
    summary: "Mend the pod bridge of a joined node, and say what was wrong with it",
    options: &[
        Opt::new("pod_cidr", Kind::Str, "The addresses of this node's pods, such as V(10.244.1.0/24). By default what flannel was given (C(/run/flannel/subnet.env)), else what the Node object says.")
            .aliases(&["pod_network_cidr_of_node"]),
        Opt::new("recreate_pods", Kind::Bool, "Whether pods with addresses of another network may be recreated. Otherwise they are reported in RV(left) and everything that needs no restart is mended.")
            .default("true"),
        Opt::new("socket", Kind::Str, "The container runtime's socket.").default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("kubelet_unit", Kind::Str, "The kubelet's unit.").default("\"kubelet.service\""),
        Opt::new("containerd_unit", Kind::Str, "The container runtime's unit.").default("\"containerd.service\""),
        Opt::new("backup_dir", Kind::Path, "Where CNI state is copied to before it is cleared.").default("\"/var/lib/kubejoin/backup\""),
        Opt::new("timeout", Kind::Int, "How long the repair may take altogether, in seconds.").default("180"),
    ],
    rules: &[],
};

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    pod_cidr: Option<String>,
    /// Whether pods may be recreated.
    pub recreate_pods: bool,
    /// The runtime's socket.
    pub socket: String,
    /// The kubelet's unit.
    pub kubelet_unit: String,
    /// The runtime's unit.
    pub containerd_unit: String,
    /// Where state is copied to.
    pub backup_dir: PathBuf,
    /// Seconds.
    pub timeout: u64,
}

impl Args {
    /// Refuses what cannot be right; an error names the option, its value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.pod_cidr()?;
        ensure!(
            self.backup_dir.is_absolute(),
            "option backup_dir is {:?}: use an absolute path",
            self.backup_dir.display().to_string()
        );
        for (option, unit) in [("kubelet_unit", &self.kubelet_unit), ("containerd_unit", &self.containerd_unit)] {
            let name = unit.strip_suffix(".service").unwrap_or_default();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
            ensure!(
                !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(plain),
                "option {option} is {unit:?}: use the name of a service, such as kubelet.service"
            );
        }
        ensure!(self.timeout > 0, "option timeout is 0: use a number of seconds, such as 180");
        Ok(())
    }

    /// The pod network of this node, when it was given.
    pub fn pod_cidr(&self) -> anyhow::Result<Option<Cidr>> {
        let Some(text) = self.pod_cidr.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        let right = "use a network in CIDR notation, such as 10.244.1.0/24";
        let network: Cidr =
            text.parse().map_err(|e: anyhow::Error| anyhow::anyhow!("option pod_cidr is {text:?}: {e:#}; {right}"))?;
        let room = if network.address().is_ipv4() { 8..=30 } else { 16..=126 };
        ensure!(
            room.contains(&network.prefix()),
            "option pod_cidr is {text:?}: its prefix leaves no pod addresses; {right}"
        );
        Ok(Some(network))
    }
}
