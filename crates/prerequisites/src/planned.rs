//! The join that is to come, as far as it is known.

use kubeadm::endpoint::Endpoint;
use serde::Deserialize;

/// What a join will be told.
#[derive(Debug, Clone, Deserialize)]
pub struct PlannedJoin {
    /// `host:port`, as given.
    pub control_plane_endpoint: Option<String>,
    /// `sha256:<hex>`.
    pub ca_cert_hashes: Vec<String>,
    /// Six characters.
    pub token_id: Option<String>,
    /// `v1.31.2`.
    pub control_plane_version: Option<String>,
    /// `unix:///…`.
    pub cri_socket: String,
    /// The Node's name.
    pub node_name: Option<String>,
    /// What is looked at.
    pub scope: Scope,
    /// Whether swap may be on.
    pub swap: Swap,
    /// Networks of pods.
    pub pod_cidrs: Vec<String>,
    /// Whether the API server is asked; a join, which will ask it anyway, only wants to know the way there.
    #[serde(skip, default = "yes")]
    pub ask_cluster: bool,
}

fn yes() -> bool {
    true
}

impl PlannedJoin {
    /// Whether the cluster's pods have IPv6.
    pub fn has_ipv6_pods(&self) -> bool {
        self.pod_cidrs.iter().any(|cidr| cidr.contains(':'))
    }

    /// Where the API server is, when that was said.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.control_plane_endpoint.as_deref().and_then(|text| Endpoint::parse(text).ok())
    }
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything that a join needs.
    All,
    /// The kernel, now and at the next boot.
    Kernel,
}

/// Whether swap may be on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Swap {
    /// As far as the kubelet's release lives with it.
    Keep,
    /// It may not.
    Off,
}
