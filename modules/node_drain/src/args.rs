//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use kubeadm::identity::is_node_name;
use serde::Deserialize;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "node_drain",
    summary: "Take the pods off a node, and say what keeps it from being empty",
    options: &[
        Opt::new("node_name", Kind::Str, "Name of the Node.").aliases(&["name"]).required(),
        Opt::new(
            "state",
            Kind::Str,
            "V(drained) keeps new pods off the node and evicts those it has; V(cordoned) only keeps new ones off; V(uncordoned) lets them in again.",
        )
        .default("\"drained\"")
        .choices(&["drained", "cordoned", "uncordoned"]),
        Opt::new(
            "machine_id",
            Kind::Str,
            "/etc/machine-id of the machine that is meant, as kubeadm_join_guarded reports it. A Node of another machine is refused.",
        ),
        Opt::new("system_uuid", Kind::Str, "Its system UUID. A Node of another machine is refused."),
        Opt::new(
            "delete_emptydir_data",
            Kind::Bool,
            "Evict pods with an emptyDir, too. What is in it is lost.",
        )
        .default("false"),
        Opt::new("force", Kind::Bool, "Evict pods that no controller made, too. Nothing makes them anew.").default("false"),
        Opt::new("timeout", Kind::Int, "Seconds until the last pod has to be gone.").default("300"),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
    ],
    rules: &[],
};

/// What is wanted of the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// No pods, and no new ones.
    Drained,
    /// No new pods.
    Cordoned,
    /// Pods.
    Uncordoned,
}

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The Node.
    pub node_name: String,
    /// What is wanted.
    pub state: Wanted,
    /// Identity, if given.
    pub machine_id: Option<String>,
    /// Identity, if given.
    pub system_uuid: Option<String>,
    /// Whether pods with an emptyDir go.
    pub delete_emptydir_data: bool,
    /// Whether pods without a controller go.
    pub force: bool,
    /// Seconds.
    pub timeout: i64,
    /// A path.
    pub kubeconfig: String,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        ensure!(
            is_node_name(&self.node_name),
            "option node_name is {:?}: it must be a DNS name in lower case",
            self.node_name
        );
        for (name, value) in [("machine_id", &self.machine_id), ("system_uuid", &self.system_uuid)] {
            let Some(text) = value else { continue };
            ensure!(
                text.chars().filter(char::is_ascii_hexdigit).count() >= 16,
                "option {name} is {text:?}: it must be hexadecimal digits, as kubeadm_join_guarded reports it"
            );
        }
        ensure!(
            (1..=86_400).contains(&self.timeout),
            "option timeout is {}: it must be 1 to 86400 seconds",
            self.timeout
        );
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
