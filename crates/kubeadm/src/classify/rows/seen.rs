//! Classes that are seen and not read: nobody says them in words.

use super::Action::{Clean, Retry, Stop};
use super::{Class, Row, Weight, permanent, retryable, symptom, unnamed};

// One class a paragraph: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    permanent(Class::KubeadmMissing,
        "kubeadm is not installed on this node, or not in its search path: install the package kubeadm", &[]),
    permanent(Class::JoinedElsewhere,
        "this node belongs to another cluster, or is a worker that is asked to become a control plane: reset it first if it is to leave, or give ca_cert_hashes if it is the same cluster behind another address", &[]),
    permanent(Class::ControlPlane,
        "this machine runs an API server, so it is not joined as a worker: it stands in the wrong group of the inventory", &[]),
    permanent(Class::HalfMade,
        "a control plane was begun here, or was here before: reset this machine first, with reset_control_plane=true", &[]),
    permanent(Class::ControlPlaneUnhealthy,
        "this machine is a control plane and its API server does not answer: it is mended, not initialised over", &[]),
    permanent(Class::SettingsDiffer,
        "the cluster, or the kubeadm that is installed, is another than the settings say, and neither is changed afterwards: set what it has, or make the cluster anew", &[]),
    permanent(Class::EndpointIsOwn,
        "control_plane_endpoint is an address of this very node, which runs no API server: give the control plane's address; a virtual IP that a manifest or keepalived has left here must go first", &[]),
    // `port_in_use`, and its owner is no kubelet: no cleanup of ours frees it.
    permanent(Class::PortTaken,
        "another program holds a port that the kubelet needs: stop that program, or give it another port", &[]),
    permanent(Class::BootstrapSignerDown,
        "the cluster signs no new tokens: kube-controller-manager does not run, or runs without its bootstrapsigner controller (--controllers=*,bootstrapsigner,tokencleaner)", &[]),
    permanent(Class::CsrUnapproved,
        "nobody has approved this node's certificate signing request: run again and approve the new one while the join waits (approval_timeout), or restore automatic approval (`kubeadm init phase bootstrap-token`, kube-controller-manager running)", &[]),
    permanent(Class::CsrNotIssued,
        "this node's certificate signing request is approved and no certificate comes: the signer is not running, or kube-controller-manager has no CA key (--cluster-signing-key-file)", &[]),
    // The logs of the containers have it: kubeadm only tells that it has waited.
    permanent(Class::ControlPlaneCrashing,
        "a program of the control plane ends as soon as it has started, with these last words", &[]),
    permanent(Class::NodeOfAnother,
        "the Node of this name belongs to another machine, by machine id and system UUID: two machines use one name, and one of them must be renamed", &[]),
    permanent(Class::NodeRenamed,
        "this machine joined under another name than it has now, and its certificate is good for that name alone: give it the old name back, or reset it and join it under the new one", &[]),
    retryable(Class::NodeDeleted, Retry,
        "the cluster has no Node of this name although this node joined: somebody deleted it; a kubelet registers its Node only when it starts", &[]),
    retryable(Class::CredentialsRejected, Clean,
        "the API server refuses the credentials of this node's kubelet: they are of a cluster that was made anew, or its user was removed; reset the node and join it again", &[]),
    // Its action is to ask for more time; nothing else about the join is wrong.
    Row { action: Stop, retry_safe: false, weight: Weight::Symptom,
        ..symptom(Class::OutOfTime, Stop,
        "the join was still under way when the time given to it ran out, with no sign of a fault: give it more with timeout", &[]) },
    unnamed(Class::Unknown,
        "kubeadm failed with words that are not in the table of failures: read its output and the kubelet's journal", &[]),
];
