//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use serde::Deserialize;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "kubelet_mask",
    summary: "Hold the kubelet back until kubeadm has written its configuration, or let it go",
    options: &[
        Opt::new("state", Kind::Str, "masked holds the kubelet back and stops it; unmasked lets it go.")
            .default("\"masked\"")
            .choices(&["masked", "unmasked"]),
        Opt::new("unit", Kind::Str, "The kubelet's unit.").default("\"kubelet.service\""),
        Opt::new("force", Kind::Bool, "Also hold back a kubelet that is running as part of a cluster.")
            .default("false"),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// The state asked for.
    pub state: State,
    /// The unit's name.
    pub unit: String,
    /// Whether a joined kubelet may be stopped.
    pub force: bool,
}

/// Held back or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It cannot start before kubeadm has configured it.
    Masked,
    /// It can start.
    Unmasked,
}

impl Args {
    /// Refuses a unit name that is a path or no service.
    pub fn validate(&self) -> anyhow::Result<()> {
        let name = self.unit.strip_suffix(".service").unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@:".contains(c);
        ensure!(
            !name.is_empty() && !name.starts_with(['-', '.']) && name.chars().all(plain),
            "option unit is {:?}: it must be the name of a service, such as kubelet.service",
            self.unit
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_service_name_and_never_a_path() {
        for (unit, good) in [
            ("kubelet.service", true),
            ("kubelet@1.service", true),
            ("kubelet", false),
            ("/etc/x.service", false),
            ("../x.service", false),
            (".service", false),
        ] {
            let args = Args { state: State::Masked, unit: unit.into(), force: false };
            assert_eq!(args.validate().is_ok(), good, "{unit}");
        }
    }
}
