//! Before the cluster is trusted: the cluster-info ConfigMap, the token's signature in it, the discovery file.

use super::Action::{RefreshToken, Retry};
use super::Place::{Discovery, Error, Progress};
use super::{Class, Row, permanent, retryable, says};

const RUN: &str = "run: kubeadm 1.22.6 against a loopback API";
const TOKEN: &str = "cmd/kubeadm/app/discovery/token/token.go";
const FILE: &str = "cmd/kubeadm/app/discovery/file/file.go";
const VALIDATION: &str = "cmd/kubeadm/app/apis/kubeadm/validation/validation.go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    permanent(Class::AnonymousAuthOff,
        "the API server takes no anonymous requests (--anonymous-auth=false), without which a token cannot discover the cluster: use discovery_file, or allow anonymous access to cluster-info in its AuthenticationConfiguration",
        &[says(Discovery, 22, 38, "failed to request the cluster-info ConfigMap: Unauthorized", TOKEN),
          says(Progress, 22, 29, "[discovery] Failed to request cluster-info, will try again: Unauthorized", "kubernetes/kubeadm#663"),
          says(Discovery, 22, 38, "Abort reading the cluster-info ConfigMap after timeout of {}: Unauthorized", FILE),
          says(Progress, 22, 38, "Error reading the cluster-info ConfigMap, will try again: Unauthorized", FILE),
          // Up to 1.30 the last error stands alone behind the phase.
          says(Error, 22, 31, "couldn't validate the identity of the API Server: Unauthorized", TOKEN)]),
    permanent(Class::ClusterInfoForbidden,
        "the cluster does not let anonymous users read cluster-info: use discovery_file, or restore the kubeadm:bootstrap-signer-clusterinfo role binding",
        &[says(Discovery, 22, 38, "configmaps \"cluster-info\" is forbidden: User \"system:anonymous\"", RUN)]),
    permanent(Class::ClusterInfoMissing,
        "the cluster has no usable cluster-info ConfigMap: it was not made by kubeadm or the bootstrap-token phase did not run; use discovery_file",
        &[says(Discovery, 22, 38, "configmaps \"cluster-info\" not found", "client-go, NotFound"),
          says(Error, 22, 38, "This API Server isn't set up for token bootstrapping, can't connect", TOKEN)]),
    permanent(Class::ClusterInfoMalformed,
        "the kubeconfig in the cluster-info ConfigMap cannot be used: somebody edited it; make it again with `kubeadm init phase bootstrap-token` on the control plane",
        &[says(Error, 22, 38, "couldn't parse the kubeconfig file in the cluster-info ConfigMap", TOKEN),
          says(Error, 22, 38, "malformed kubeconfig in the cluster-info ConfigMap", TOKEN),
          says(Error, 22, 38, "failed to parse cluster CA from the cluster-info ConfigMap", TOKEN),
          says(Error, 22, 38, "the second kubeconfig from the cluster-info ConfigMap (using validated TLS) was different from the first", TOKEN)]),
    permanent(Class::DiscoveryUrlFails,
        "the URL in discovery_file does not give a kubeconfig: the server answers it with another status than 200",
        &[says(Error, 37, 38, "unable to fetch cluster-info. URL: {}, status: ", "kubernetes/kubernetes#138852, cmd/kubeadm/app/discovery/https/https.go")]),
    permanent(Class::DiscoveryFileInvalid,
        "discovery_file is not a kubeconfig that kubeadm can use: it needs one cluster with a server and a certificate authority",
        &[says(Error, 22, 38, "couldn't create client from discovery file", FILE),
          says(Error, 22, 38, "couldn't load discovery file", FILE),
          says(Error, 22, 38, "the provided kubeconfig file must have at least one Cluster defined", FILE),
          says(Error, 22, 38, "the provided kubeconfig file is malformed", FILE),
          says(Error, 22, 38, "couldn't validate the identity of the API Server: error loading config file ", "client-go/tools/clientcmd/loader.go"),
          says(Error, 22, 38, "couldn't validate the identity of the API Server: invalid configuration: ", "client-go/tools/clientcmd/validation.go"),
          says(Error, 22, 38, "the provided discovery-file \"{}\" ", VALIDATION),
          says(Error, 22, 38, "discovery.file.kubeConfigPath: Invalid value: ", VALIDATION)]),
    retryable(Class::TokenUnknown, RefreshToken,
        "the cluster does not know the token, or it has expired: a new one is needed (kubeadm token create)",
        &[says(Discovery, 22, 38, "could not find a JWS signature in the cluster-info ConfigMap for token ID \"{}\"", TOKEN),
          says(Progress, 22, 29, "ConfigMap does not yet contain a JWS signature for token ID \"{}\"", "run: kubeadm 1.28.7 on a real cluster"),
          says(Error, 22, 38, "is invalid for this cluster or it has expired. Use \"kubeadm token create\"", TOKEN)]),
    retryable(Class::TokenSecretWrong, RefreshToken,
        "the cluster knows a token with this id but another secret: the token was mistyped or replaced; a new one is needed",
        &[says(Error, 22, 38, "failed to verify JWS signature of received cluster info object", "run: kubeadm 1.22.6 and 1.28.7")]),
    retryable(Class::NodeLookupFailed, Retry,
        "kubeadm could not ask the API server for the Node of this name, though it could a moment before",
        &[says(Error, 22, 38, "error execution phase kubelet-start: cannot get Node \"{}\"", "cmd/kubeadm/app/cmd/phases/join/kubelet.go")]),
];
