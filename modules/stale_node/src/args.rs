//! The options.

use ansible::{Kind, Opt, Rule, Spec};
use anyhow::ensure;
use kubeadm::identity::is_node_name;
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
            "/etc/machine-id of the machine that wants to join, as kubeadm_join_guarded reports it. Needed unless O(gone).",
        ),
        Opt::new("system_uuid", Kind::Str, "Its system UUID, as kubeadm_join_guarded reports it. Needed unless O(gone)."),
        Opt::new(
            "reinstalled",
            Kind::Bool,
            "The machine's operating system was installed anew, so that only its system UUID is the same.",
        )
        .default("false"),
        Opt::new(
            "gone",
            Kind::Bool,
            "The machine does not exist any more, and nobody can be asked who it was. Its Node is deleted only when its kubelet has stopped talking to the cluster.",
        )
        .default("false"),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
    ],
    rules: &[Rule::RequiredTogether(&["machine_id", "system_uuid"])],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The Node.
    pub node_name: String,
    /// 32 hexadecimal digits.
    pub machine_id: Option<String>,
    /// A UUID.
    pub system_uuid: Option<String>,
    /// Whether the machine id may differ.
    pub reinstalled: bool,
    /// Whether there is no machine any more.
    pub gone: bool,
    /// A path.
    pub kubeconfig: String,
}

impl Args {
    /// Refuses what cannot be right. An empty identity would match an empty one.
    pub fn validate(&self) -> anyhow::Result<()> {
        ensure!(
            is_node_name(&self.node_name),
            "option node_name is {:?}: it must be a DNS name in lower case",
            self.node_name
        );
        ensure!(
            self.gone || self.machine_id.is_some(),
            "option machine_id is missing: give it and system_uuid, or say with gone that there is no machine any more"
        );
        ensure!(
            !self.gone || self.machine_id.is_none() && !self.reinstalled,
            "option gone says that there is no machine any more: leave out machine_id, system_uuid and reinstalled"
        );
        for (name, text) in [("machine_id", &self.machine_id), ("system_uuid", &self.system_uuid)] {
            let Some(text) = text else { continue };
            let digits = text.chars().filter(char::is_ascii_hexdigit).count();
            ensure!(
                digits >= 16 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-'),
                "option {name} is {text:?}: it must be hexadecimal digits, as kubeadm_join_guarded reports it"
            );
        }
        Ok(())
    }
}
