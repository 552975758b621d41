//! The parts of a reset, which a user can pick from. Each has a file or a folder that looks, and that does its steps; the
//! files above only put them in order.

pub mod cni;
pub mod elsewhere;
pub mod etcd;
pub mod firewall;
pub mod kubectl;
pub mod kubelet;
pub mod network;
pub mod others;
pub mod runtime;
pub mod temporary;
mod virtual_ip;

pub(crate) use virtual_ip::held as held_addresses;

use serde::{Deserialize, Serialize};

/// Their names, as the option spells them.
pub const PARTS: &[&str] = &[
    "pods",
    "kubelet",
    "kubernetes",
    "cni",
    "network",
    "firewall",
    "containerd",
    "etcd",
    "units",
    "kubectl",
    "temporary",
];

/// How far it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Undo a join.
    Gentle,
    /// Remove everything of Kubernetes.
    Aggressive,
}

impl Level {
    /// As the option spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gentle => "gentle",
            Self::Aggressive => "aggressive",
        }
    }
}

/// A part of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Pod sandboxes, their processes and network namespaces.
    Pods,
    /// The kubelet's state.
    Kubelet,
    /// /etc/kubernetes.
    Kubernetes,
    /// CNI state and, aggressively, configuration.
    Cni,
    /// Links and routes.
    Network,
    /// Firewall rules and IPVS.
    Firewall,
    /// containerd's state.
    Containerd,
    /// etcd's data.
    Etcd,
    /// Failed units and conflicting drop-ins.
    Units,
    /// root's kubeconfig.
    Kubectl,
    /// What our own modules left behind.
    Temporary,
}

/// All, in the order of [`PARTS`].
pub const ALL: [Part; 11] = [
    Part::Pods,
    Part::Kubelet,
    Part::Kubernetes,
    Part::Cni,
    Part::Network,
    Part::Firewall,
    Part::Containerd,
    Part::Etcd,
    Part::Units,
    Part::Kubectl,
    Part::Temporary,
];

/// What a running node consists of: without any of these neither the kubelet nor a control plane goes on.
pub const RUNNING: [Part; 8] = [
    Part::Pods,
    Part::Kubelet,
    Part::Kubernetes,
    Part::Cni,
    Part::Network,
    Part::Firewall,
    Part::Containerd,
    Part::Etcd,
];

impl Part {
    /// As the option spells it.
    pub fn name(self) -> &'static str {
        PARTS[ALL.iter().position(|part| *part == self).unwrap_or(0)]
    }

    /// Whether the level touches it.
    pub fn belongs_to(self, level: Level) -> bool {
        level == Level::Aggressive
            || matches!(self, Self::Pods | Self::Kubelet | Self::Kubernetes | Self::Cni | Self::Units | Self::Temporary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_a_choice_and_the_other_way_round() {
        for (part, name) in ALL.iter().zip(PARTS) {
            assert_eq!(serde_json::to_value(part).unwrap(), serde_json::json!(name));
            assert_eq!(part.name(), *name);
        }
    }
}
