//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use serde::Deserialize;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "stale_node",
    summary: "Remove the Node object of a wiped worker, only when it is that same machine",
    options: &[
        Opt::new("node_name", Kind::Str, "Name of the Node.").aliases(&["name"]).required(),
        Opt::new(
            "machine_id",
            Kind::Str,
            "/etc/machine-id of the machine that wants to join, as kubeadm_join_guarded reports it.",
        )
        .required(),
        Opt::new("system_uuid", Kind::Str, "Its system UUID, as kubeadm_join_guarded reports it.").required(),
        Opt::new(
            "reinstalled",
            Kind::Bool,
            "The machine's operating system was installed anew, so that only its system UUID is the same.",
        )
        .default("false"),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The Node.
    pub node_name: String,
    /// 32 hexadecimal digits.
    pub machine_id: String,
    /// A UUID.
    pub system_uuid: String,
    /// Whether the machine id may differ.
    pub reinstalled: bool,
    /// A path.
    pub kubeconfig: String,
}

impl Args {
    /// Refuses what cannot be right. An empty identity would match an empty one.
    pub fn validate(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        ensure!(
            !self.node_name.is_empty() && !self.node_name.starts_with('-') && self.node_name.chars().all(plain),
            "option node_name is {:?}: it must be a DNS name in lower case",
            self.node_name
        );
        for (name, text) in [("machine_id", &self.machine_id), ("system_uuid", &self.system_uuid)] {
            let digits = text.chars().filter(char::is_ascii_hexdigit).count();
            ensure!(
                digits >= 16 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-'),
                "option {name} is {text:?}: it must be hexadecimal digits, as kubeadm_join_guarded reports it"
            );
        }
        Ok(())
    }
}
