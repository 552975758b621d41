//! Whom to trust: the pinned CA, the API server's certificate, and the two clocks.

use super::Place::{Discovery, Error};
use super::{Class, Row, permanent, says};

const RUN: &str = "run: kubeadm 1.22.6 against a loopback API";
const VERIFY: &str = "Go crypto/x509/verify.go";

// One wording a line: a table, not code.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    permanent(Class::CaMismatch,
        "the cluster's CA is not the one that ca_cert_hashes names: this is another cluster, or the hash is old; take the hash from the control plane again",
        &[says(Error, 22, 38, "none of the public keys \"{}\" are pinned", "run: kubeadm 1.22.6 and 1.28.7 on real clusters")]),
    permanent(Class::CaHashMalformed,
        "a value of ca_cert_hashes is not of the form sha256:<64 hexadecimal digits>; take it from the control plane again",
        &[says(Error, 22, 38, "invalid discovery token CA certificate hash", RUN),
          says(Error, 22, 38, "discovery.bootstrapToken.caCertHashes: Invalid value", "cmd/kubeadm/app/apis/kubeadm/validation/validation.go")]),
    permanent(Class::ClockBehind,
        "the cluster's certificate is not valid yet by this node's clock: the clock is behind; set it (chrony or systemd-timesyncd) and run again",
        &[says(Discovery, 22, 38, "certificate has expired or is not yet valid: current time {} is before ", RUN)]),
    permanent(Class::ClockAheadOrCertificateExpired,
        "the cluster's certificate has expired by this node's clock: either the clock is ahead, or the control plane's certificates need `kubeadm certs renew`",
        &[says(Discovery, 22, 38, "certificate has expired or is not yet valid: current time {} is after ", RUN)]),
    permanent(Class::WrongSan,
        "the API server's certificate is not valid for the address in control_plane_endpoint; use an address it names, or renew it with this one in certSANs",
        &[says(Discovery, 22, 38, "x509: certificate is valid for {}, not ", RUN),
          says(Discovery, 22, 38, "x509: certificate is not valid for any names, but wanted to match ", VERIFY),
          says(Discovery, 22, 38, "because it doesn't contain any IP SANs", VERIFY)]),
    permanent(Class::CertificateUnfit,
        "the API server's certificate is of a form that kubeadm no longer accepts, such as one with its name in the Common Name alone: renew it with the names in certSANs",
        &[says(Discovery, 22, 38, "x509: certificate relies on legacy Common Name field, use SANs", VERIFY),
          says(Discovery, 22, 38, "certificate is not standards compliant", "Go crypto/x509, the platform's verifier"),
          says(Discovery, 22, 38, "x509: cannot validate certificate with no ", VERIFY),
          says(Discovery, 22, 38, "x509: certificate specifies an incompatible key usage", VERIFY),
          says(Discovery, 22, 38, "x509: negative serial number", "Go crypto/x509/parser.go, from Go 1.23 on"),
          says(Discovery, 22, 38, "tls: failed to parse certificate from server: ", "Go crypto/tls")]),
    permanent(Class::UnknownAuthority,
        "the API server's certificate was not signed by the cluster's CA: a proxy stands between, or the discovery file is of another cluster",
        &[says(Discovery, 22, 38, "x509: certificate signed by unknown authority", VERIFY)]),
];
