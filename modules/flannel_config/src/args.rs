//! The options of `flannel_config`, and what makes them wrong.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use host::cidr::Cidr;
use serde::Deserialize;
use std::path::PathBuf;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "flannel_config",
    summary: "flannel's manifest and net-conf.json, rolled out and watched",
    options: &[
        Opt::new("kubeconfig", Kind::Path, "The kubeconfig of a cluster administrator.").default("\"/etc/kubernetes/admin.conf\""),
        Opt::new("network", Kind::Str, "The pod network. Read from the cluster (C(podSubnet) in kubeadm's ConfigMap) unless given; one that is not the cluster's is refused.").aliases(&["pod_network_cidr"]),
        Opt::new("backend", Kind::Str, "How packets travel between nodes. Windows nodes need V(vxlan).").default("\"vxlan\"").choices(&["vxlan", "host-gw", "wireguard"]),
        Opt::new("vni", Kind::Int, "The VXLAN network identifier. V(4096) when the cluster has Windows nodes, which accept nothing below it; V(1) otherwise."),
        Opt::new("port", Kind::Int, "The VXLAN's UDP port. V(4789) when the cluster has Windows nodes, which accept no other; V(8472) otherwise."),
        Opt::new("mtu", Kind::Int, "The MTU of the pod network; flannel takes it from the interface unless given."),
        Opt::new("iface", Kind::Str, "The interface, or its address, that carries pod traffic; the one of the default route unless given."),
        Opt::new("nftables", Kind::Str, "Whether flannel masquerades with nftables instead of iptables: V(auto) does as the cluster's kube-proxy does. flannel calls it experimental.").default("\"auto\"").choices(&["auto", "enabled", "disabled"]),
        Opt::new("healthz_port", Kind::Int, "The port on every node at which flannel answers the kubelet's probes; V(0) goes without. Before flannel 0.28.9 there are none.").default("8081"),
        Opt::new("namespace", Kind::Str, "Where flannel's objects are.").default("\"kube-flannel\""),
        Opt::new("image", Kind::Str, "flannel's image; a site without a way to the Internet names its own.").default("\"ghcr.io/flannel-io/flannel:v0.28.9\""),
        Opt::new("cni_plugin_image", Kind::Str, "The image that brings flannel's CNI plugin.").default("\"ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3\""),
        Opt::new("image_pull_policy", Kind::Str, "When images are pulled.").default("\"IfNotPresent\"").choices(&["IfNotPresent", "Always", "Never"]),
        Opt::new("wait", Kind::Bool, "Wait until flannel runs on every node. When it does not, what was there before is put back.").default("true"),
        Opt::new("timeout", Kind::Int, "How long all of it may take, in seconds.").default("300"),
    ],
    rules: &[],
};

/// Whether flannel uses nftables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nftables {
    /// As kube-proxy does.
    Auto,
    /// Yes.
    Enabled,
    /// No.
    Disabled,
}

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The administrator's kubeconfig.
    pub kubeconfig: PathBuf,
    /// The pod network, if given.
    pub network: Option<String>,
    /// vxlan, host-gw or wireguard.
    pub backend: String,
    /// VXLAN network identifier, if given.
    pub vni: Option<i64>,
    /// UDP port, if given.
    pub port: Option<i64>,
    /// MTU in bytes, if given.
    pub mtu: Option<i64>,
    /// Interface or address, if given.
    pub iface: Option<String>,
    /// Whether flannel uses nftables.
    pub nftables: Nftables,
    /// A port, or 0.
    pub healthz_port: i64,
    /// Namespace of flannel's objects.
    pub namespace: String,
    /// flannel's image.
    pub image: String,
    /// The CNI plugin's image.
    pub cni_plugin_image: String,
    /// When images are pulled.
    pub image_pull_policy: String,
    /// Whether to wait for the rollout.
    pub wait: bool,
    /// Seconds for everything.
    pub timeout: u64,
}

impl Args {
    /// Refuses what cannot be right; an error names the option, its value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        if let Some(network) = &self.network {
            ensure!(
                network.parse::<Cidr>().is_ok(),
                "option network is {network:?}: use a network in CIDR notation, such as 10.244.0.0/16"
            );
        }
        for (option, value, low, high) in
            [("vni", self.vni, 1, 16_777_215), ("port", self.port, 1, 65_535), ("mtu", self.mtu, 576, 65_535)]
        {
            if let Some(value) = value {
                ensure!((low..=high).contains(&value), "option {option} is {value}: use a number from {low} to {high}");
            }
        }
        ensure!(
            (0..=65_535).contains(&self.healthz_port),
            "option healthz_port is {}: use a port from 1 to 65535, or 0 for no probes",
            self.healthz_port
        );
        ensure!(
            self.backend == "vxlan" || self.vni.is_none() && self.port.is_none(),
            "options vni and port are for backend=vxlan, but backend is {:?}: leave them out",
            self.backend
        );
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !self.namespace.is_empty() && self.namespace.chars().all(label),
            "option namespace is {:?}: use lower-case letters, digits and dashes",
            self.namespace
        );
        for (option, image) in [("image", &self.image), ("cni_plugin_image", &self.cni_plugin_image)] {
            ensure!(
                !image.is_empty() && !image.contains(char::is_whitespace),
                "option {option} is {image:?}: use an image name such as registry.example/flannel:v0.28.9"
            );
        }
        Ok(())
    }
}
