//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use kubeadm::identity::is_node_name;
use serde::Deserialize;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "cluster_nodes",
    summary: "Wait until Nodes of the cluster are Ready, and say which are not and why",
    options: &[
        Opt::new(
            "nodes",
            Kind::List(&Kind::Str),
            "Names of the Nodes to wait for. Left out or empty: all that the cluster has.",
        )
        .default("[]"),
        Opt::new("timeout", Kind::Int, "Seconds to wait for the last of them; 0 looks once.").default("180"),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// Names; none means all.
    pub nodes: Vec<String>,
    /// Seconds.
    pub timeout: i64,
    /// A path.
    pub kubeconfig: String,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        for name in &self.nodes {
            ensure!(is_node_name(name), "option nodes has {name:?}: it must be a DNS name in lower case");
        }
        ensure!((0..=7200).contains(&self.timeout), "option timeout is {}: it must be 0 to 7200 seconds", self.timeout);
        ensure!(
            self.kubeconfig.starts_with('/'),
            "option kubeconfig is {:?}: it must be an absolute path",
            self.kubeconfig
        );
        Ok(())
    }

    /// The time for everything.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}
