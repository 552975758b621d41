//! What a join or an init refuses before it touches anything: seen on the node, no words of kubeadm's are needed.

use super::{Row, hopeless};

pub(super) static ROWS: &[Row] = &[
    hopeless(
        "kubeadm_missing",
        "kubeadm is not installed, or not in the search path: install the package kubeadm",
        &[],
    ),
    hopeless(
        "joined_elsewhere",
        "this node belongs to another cluster, or is a worker that is asked to become a control plane: reset it first if it is to leave, or give ca_cert_hashes if it is the same cluster behind another address",
        &[],
    ),
    hopeless(
        "control_plane",
        "this machine runs an API server, so it is not joined as a worker: it stands in the wrong group of the inventory",
        &[],
    ),
    hopeless(
        "control_plane_unhealthy",
        "this machine is a control plane and its API server does not answer: it is mended, not initialised over",
        &[],
    ),
    hopeless(
        "half_made",
        "a control plane was begun here, or was here before: reset this machine first, with reset_control_plane=true",
        &[],
    ),
];
