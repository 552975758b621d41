//! Before the cluster is trusted: reaching the API server, its TLS, the token's signature, the pinned CA.
//!
//! kubeadm repeats discovery for five minutes and reports the last error, so most of these are also seen as
//! [`Place::Progress`] long before they are final.

use super::Action::{RefreshToken, Retry};
use super::Place::{Error, Progress};
use super::{Row, hopeless, mendable, says, symptom};

const RUN: &str = "run: kubeadm 1.22.6 against a loopback API";
const TOKEN: &str = "cmd/kubeadm/app/discovery/token/token.go";
const NET: &str = "Go net/http and net, as wrapped by client-go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) static ROWS: &[Row] = &[
    hopeless("ca_mismatch",
        "the cluster's CA is not the one that ca_cert_hashes names: this is another cluster, or the hash is old; take the hash from the control plane again",
        &[says(Error, 22, 36, "none of the public keys \"{}\" are pinned", RUN)]),
    hopeless("ca_hash_malformed",
        "a value of ca_cert_hashes is not of the form sha256:<64 hexadecimal digits>; take it from the control plane again",
        &[says(Error, 22, 36, "invalid discovery token CA certificate hash: ", RUN),
          says(Error, 22, 36, "discovery.bootstrapToken.caCertHashes: Invalid value", "cmd/kubeadm/app/apis/kubeadm/validation/validation.go")]),
    hopeless("clock_behind",
        "the cluster's certificate is not valid yet by this node's clock: the clock is behind; set it (chrony or systemd-timesyncd) and run again",
        &[says(Error, 22, 36, "certificate has expired or is not yet valid: current time {} is before ", RUN),
          says(Progress, 22, 36, "certificate has expired or is not yet valid: current time {} is before ", RUN)]),
    hopeless("clock_ahead_or_certificate_expired",
        "the cluster's certificate has expired by this node's clock: either the clock is ahead, or the control plane's certificates need `kubeadm certs renew`",
        &[says(Error, 22, 36, "certificate has expired or is not yet valid: current time {} is after ", RUN),
          says(Progress, 22, 36, "certificate has expired or is not yet valid: current time {} is after ", RUN)]),
    hopeless("wrong_san",
        "the API server's certificate is not valid for the address in control_plane_endpoint; use an address it names, or renew it with this one in certSANs",
        &[says(Error, 22, 36, "x509: certificate is valid for {}, not ", RUN),
          says(Error, 22, 36, "x509: certificate is not valid for any names, but wanted to match ", "Go crypto/x509/verify.go"),
          says(Error, 22, 36, "because it doesn't contain any IP SANs", "Go crypto/x509/verify.go")]),
    hopeless("unknown_authority",
        "the API server's certificate was not signed by the cluster's CA: a proxy stands between, or the discovery file is of another cluster",
        &[says(Error, 22, 36, "x509: certificate signed by unknown authority", "Go crypto/x509/verify.go"),
          says(Progress, 22, 36, "x509: certificate signed by unknown authority", "Go crypto/x509/verify.go")]),
    hopeless("not_tls",
        "what answers at control_plane_endpoint does not speak TLS: it is not the API server's port",
        &[says(Error, 22, 36, "tls: first record does not look like a TLS handshake", RUN),
          says(Progress, 22, 36, "tls: first record does not look like a TLS handshake", RUN),
          says(Error, 22, 36, "http: server gave HTTP response to HTTPS client", NET)]),
    hopeless("cluster_info_forbidden",
        "the cluster does not let anonymous users read cluster-info: use discovery_file, or restore the kubeadm:bootstrap-signer-clusterinfo role binding",
        &[says(Error, 22, 36, "configmaps \"cluster-info\" is forbidden: User \"system:anonymous\"", RUN),
          says(Progress, 22, 36, "configmaps \"cluster-info\" is forbidden: User \"system:anonymous\"", RUN)]),
    hopeless("cluster_info_missing",
        "the cluster has no usable cluster-info ConfigMap: it was not made by kubeadm or the bootstrap-token phase did not run; use discovery_file",
        &[says(Error, 22, 36, "configmaps \"cluster-info\" not found", "client-go, NotFound"),
          says(Error, 22, 36, "This API Server isn't set up for token bootstrapping, can't connect", TOKEN)]),
    mendable("token_unknown", RefreshToken,
        "the cluster does not know the token, or it has expired: a new one is needed (kubeadm token create)",
        &[says(Error, 22, 36, "could not find a JWS signature in the cluster-info ConfigMap for token ID \"{}\"", RUN),
          says(Progress, 30, 36, "could not find a JWS signature in the cluster-info ConfigMap for token ID \"{}\"", TOKEN),
          says(Progress, 22, 29, "ConfigMap does not yet contain a JWS signature for token ID \"{}\"", TOKEN),
          says(Error, 22, 36, "is invalid for this cluster or it has expired. Use \"kubeadm token create\"", TOKEN)]),
    mendable("token_secret_wrong", RefreshToken,
        "the cluster knows a token with this id but another secret: the token was mistyped or replaced; a new one is needed",
        &[says(Error, 22, 36, "failed to verify JWS signature of received cluster info object", RUN)]),
    symptom("api_refused", Retry,
        "nothing listens at control_plane_endpoint: the API server is down or restarting, or the address or port is wrong",
        &[says(Error, 22, 36, "/configmaps/cluster-info?{}: connect: connection refused", RUN),
          says(Progress, 22, 36, "/configmaps/cluster-info?{}: connect: connection refused", RUN),
          says(Error, 22, 36, "dial tcp {}:6443: connect: connection refused", NET)]),
    symptom("api_timeout", Retry,
        "control_plane_endpoint does not answer: a firewall drops the packets, the address is wrong, or the API server is overloaded",
        &[says(Error, 22, 36, "/configmaps/cluster-info?{}Client.Timeout exceeded while awaiting headers", RUN),
          says(Progress, 22, 36, "/configmaps/cluster-info?{}Client.Timeout exceeded while awaiting headers", RUN),
          says(Error, 22, 36, "/configmaps/cluster-info?{}: context deadline exceeded", RUN),
          says(Error, 22, 36, "/configmaps/cluster-info?{}: i/o timeout", NET),
          says(Progress, 22, 36, "/configmaps/cluster-info?{}: i/o timeout", NET),
          says(Error, 22, 36, "/configmaps/cluster-info?{}TLS handshake timeout", NET)]),
    symptom("api_no_route", Retry,
        "this node has no route to control_plane_endpoint: the network is down or the address is wrong",
        &[says(Error, 22, 36, "connect: no route to host", NET),
          says(Progress, 22, 36, "connect: no route to host", NET),
          says(Error, 22, 36, "connect: network is unreachable", NET),
          says(Progress, 22, 36, "connect: network is unreachable", NET)]),
    hopeless("endpoint_name_unknown",
        "the name in control_plane_endpoint cannot be resolved on this node: put it into DNS or /etc/hosts, or use an address",
        &[says(Error, 22, 36, "dial tcp: lookup {}: no such host", NET),
          says(Progress, 22, 36, "dial tcp: lookup {}: no such host", NET),
          says(Error, 22, 36, "dial tcp: lookup {}: server misbehaving", NET)]),
];
