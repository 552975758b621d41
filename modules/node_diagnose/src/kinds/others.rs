//! What else runs on the machine and uses the same things.

use super::critical;
use crate::kind::Kind;
use node::code::Code;

pub(super) static KINDS: &[Kind] = &[critical(
    Code::OtherDistribution,
    "another distribution of Kubernetes is at work on this machine",
    "k3s, rke2, k0s and microk8s bring a kubelet, a containerd and a network of their own, with the same ports, bridges, directories and chains",
    "decide for one: stop and remove that distribution by its own uninstall program, or leave this machine to it",
)];
