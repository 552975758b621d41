//! After the cluster is trusted: its configuration, the token's rights, the Node of the same name, the JoinConfiguration.

use super::Action::{RefreshToken, ResolveNode, Retry};
use super::Place::{Error, Kubelet};
use super::{Class, Row, permanent, retryable, says, symptom};

const RUN: &str = "run: kubeadm 1.22.6 against a loopback API";
const JOIN: &str = "cmd/kubeadm/app/cmd/phases/join/kubelet.go";
const VALIDATION: &str = "cmd/kubeadm/app/apis/kubeadm/validation/validation.go";
const STRICT: &str = "cmd/kubeadm/app/util/config/strict/strict.go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    retryable(Class::NodeExists, ResolveNode,
        "a Ready Node of this name is already in the cluster: if it is this machine before it was wiped it becomes NotReady within a minute or can be deleted, if it is another machine one of the two must be renamed",
        &[says(Error, 22, 38, "a Node with name \"{}\" and status \"Ready\" already exists in the cluster", "run: kubeadm 1.22.6 on a real cluster; unchanged in 1.36, cmd/kubeadm/app/cmd/phases/join/kubelet.go")]),
    retryable(Class::TokenRejected, RefreshToken,
        "the API server no longer accepts the token, though cluster-info still carries its signature: it was deleted or has just expired",
        &[says(Error, 22, 38, "ConfigMap: failed to get config map: Unauthorized", RUN),
          says(Error, 22, 38, "the server has asked for the client to provide credentials", "apimachinery/pkg/api/errors"),
          says(Kubelet, 22, 38, "cannot create certificate signing request: Unauthorized", "kubernetes/kubeadm#792, #809")]),
    // Before token_forbidden: the newer kubeadm asks for a name that the older cluster's role does not list.
    permanent(Class::KubeletConfigMapMissing,
        "the cluster has no kubelet configuration under the name this kubeadm asks for: kubeadm is of another release than the control plane",
        &[says(Error, 22, 38, "configmaps \"kubelet-config{}\" not found", "cmd/kubeadm/app/componentconfigs/kubelet.go"),
          says(Error, 22, 38, "configmaps \"kubelet-config{}\" is forbidden", "kubernetes/kubeadm#2908")]),
    permanent(Class::TokenForbidden,
        "the token may not read what kubeadm needs: the cluster's bootstrap role bindings are missing; run `kubeadm init phase bootstrap-token` on the control plane",
        &[says(Error, 22, 38, "is forbidden: User \"system:bootstrap:{}\" cannot get resource", RUN),
          says(Kubelet, 22, 38, "is forbidden: User \"system:bootstrap:{}\" cannot create resource \"certificatesigningrequests\"", "apimachinery/pkg/api/errors, rbac")]),
    permanent(Class::ClusterConfigMissing,
        "the cluster has no kubeadm-config: it was not made by kubeadm, or `kubeadm init phase upload-config` did not run",
        &[says(Error, 22, 38, "configmaps \"kubeadm-config\" not found", RUN)]),
    permanent(Class::VersionSkew,
        "kubeadm, kubelet and control plane are too far apart: the kubelet may not be newer than the control plane, kubeadm must be of the control plane's release or one newer",
        &[says(Error, 22, 38, "this version of kubeadm only supports deploying clusters with the control plane version >= ", "cmd/kubeadm/app/util/config/common.go"),
          says(super::Place::Preflight, 22, 38, "the kubelet version is higher than the control plane version", "cmd/kubeadm/app/preflight/checks.go"),
          says(super::Place::Preflight, 22, 38, "Kubelet version {} is lower than kubeadm can support", "cmd/kubeadm/app/preflight/checks.go")]),
    permanent(Class::ConfigRejected,
        "kubeadm rejects the JoinConfiguration: an option of this task has a value it does not accept",
        &[says(Error, 22, 38, "discovery.bootstrapToken.token: Invalid value: ", RUN),
          says(Error, 22, 38, "the bootstrap token {} was not of the form", "cmd/kubeadm/app/apis/bootstraptoken/v1/utils.go"),
          says(Error, 22, 38, "bootstrapToken or file must be set", RUN),
          says(Error, 22, 38, "nodeRegistration.name: Invalid value: ", VALIDATION),
          says(Error, 22, 38, "nodeRegistration.criSocket: Invalid value: ", VALIDATION),
          says(Error, 22, 38, "strict decoding error: unknown field ", STRICT),
          says(Error, 22, 38, "no kind \"JoinConfiguration\" is registered for version ", "apimachinery/pkg/runtime"),
          says(Error, 22, 38, "error unmarshaling JSON: while decoding JSON: ", "sigs.k8s.io/yaml"),
          says(Error, 22, 38, "unknown flag: --", "spf13/pflag")]),
    permanent(Class::ConfigTooOld,
        "this kubeadm no longer reads that version of its configuration (v1beta2 until 1.26, v1beta3 until 1.36): convert it with `kubeadm config migrate` of an older release, or use kubeadm of the control plane's release",
        &[says(Error, 22, 38, "your configuration file uses an old API spec: ", "cmd/kubeadm/app/util/config/common.go"),
          says(Error, 37, 38, "is registered for version \"kubeadm.k8s.io/v1beta3\"", "kubernetes/kubernetes#136016")]),
    permanent(Class::ConfigExperimental,
        "that version of kubeadm's configuration is experimental in this release and refused (v1 in 1.37): write v1beta4",
        &[says(Error, 28, 38, "experimental API spec: {} is not allowed", "cmd/kubeadm/app/util/config/common.go")]),
    symptom(Class::NodeNotRegistered, Retry,
        "the kubelet runs but its Node did not appear in the cluster in time: it could not reach the API server, or was not allowed to register",
        &[says(Error, 22, 30, "error uploading crisocket: timed out waiting for the condition", "run: kubeadm 1.22.6, containerd stopped"),
          says(Error, 22, 30, "error uploading crisocket: nodes \"{}\" not found", "cmd/kubeadm/app/util/apiclient/idempotency.go"),
          says(Error, 31, 38, "error writing CRISocket for this node: ", JOIN),
          says(Error, 29, 30, "error uploading crisocket: ", "cmd/kubeadm/app/phases/patchnode/patchnode.go")]),
];
