//! A further control plane: the shared certificates, and etcd's members.

use super::Action::Retry;
use super::Place::{Error, Preflight};
use super::{Class, Row, permanent, retryable, says};

const COPY: &str = "cmd/kubeadm/app/phases/copycerts/copycerts.go";
const CHECK: &str = "cmd/kubeadm/app/phases/etcd/local.go";
const CLIENT: &str = "cmd/kubeadm/app/util/etcd/etcd.go";
const ETCD: &str = "etcd api/v3rpc/rpctypes/error.go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    permanent(Class::CertificatesGone,
        "the shared certificates are no longer in the cluster: they are deleted two hours after `kubeadm init phase upload-certs --upload-certs`, which has to run again on a control plane and gives a new certificate key",
        &[says(Error, 22, 38, "Secret \"kubeadm-certs\" was not found in the \"kube-system\" Namespace", "run: kubeadm 1.28.7 on a real cluster"),
          says(Error, 22, 38, "secrets \"kubeadm-certs\" is forbidden: User \"system:bootstrap:{}\"", COPY)]),
    permanent(Class::CertificateKeyWrong,
        "the certificate key does not open the cluster's certificates: it is mistyped, or they were uploaded again with another one; run `kubeadm init phase upload-certs --upload-certs` and take the key it prints",
        &[says(Error, 22, 38, "error decoding secret data with provided key", "run: kubeadm 1.28.7 on a real cluster"),
          says(Error, 22, 38, "cipher: message authentication failed", "run: kubeadm 1.28.7 on a real cluster"),
          says(Error, 22, 38, "error decoding certificate key", COPY),
          says(Error, 22, 38, "certificateKey: Invalid value: ", "cmd/kubeadm/app/apis/kubeadm/validation/validation.go")]),
    permanent(Class::CertificatesMissing,
        "this machine lacks the certificates that control planes share, or the cluster has no stable controlPlaneEndpoint: give a certificate key, or copy /etc/kubernetes/pki from a control plane",
        &[says(Error, 22, 38, "failure loading certificate for CA: ", "run: kubeadm 1.28.7 on a real cluster"),
          says(Error, 22, 38, "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address", "cmd/kubeadm/app/cmd/phases/join/preflight.go")]),
    retryable(Class::EtcdLearner, Retry,
        "the new etcd member has not caught up with the leader yet, or another one is joining: wait, and join one control plane at a time",
        &[says(Error, 27, 38, "can only promote a learner member which is in sync with leader", ETCD),
          says(Error, 27, 38, "etcdserver: too many learner members in cluster", ETCD)]),
    permanent(Class::EtcdMemberExists,
        "etcd still has a member of this machine's address from an earlier join: remove it on a control plane (etcdctl member list, member remove) and join again",
        &[says(Error, 22, 38, "etcdserver: Peer URLs already exists", ETCD),
          says(Error, 22, 38, "etcdserver: member ID already exist", ETCD)]),
    permanent(Class::EtcdUnhealthy,
        "etcd has a member that does not answer, or has lost its quorum, so that no member can be added: bring that member back, or remove it (etcdctl endpoint health --cluster)",
        &[says(Error, 22, 38, "etcd cluster is not healthy", CHECK),
          says(Error, 22, 38, "error syncing endpoints with etcd", CLIENT),
          says(Error, 22, 38, "timeout waiting for etcd cluster to be available", CLIENT),
          says(Error, 22, 38, "could not retrieve the list of etcd endpoints", CLIENT),
          says(Error, 22, 38, "etcdserver: unhealthy cluster", ETCD),
          says(Error, 22, 38, "etcdserver: re-configuration failed due to not enough started members", ETCD),
          says(Preflight, 22, 38, "[ERROR ExternalEtcd", "cmd/kubeadm/app/preflight/checks.go")]),
];
