//! Discovery of the cluster by token: cluster-info without trust, its signature, the pinned CA, then again with trust.

use super::fail::Fail;
use super::joinconfig::Join;
use crate::net::api::{Api, ApiError};
use crate::net::client::Client;
use crate::net::trust;
use crate::yaml::{parse, text};
use crate::{clock, faults, klog, kubeconfig, pki, version};
use serde_json::Value;
use std::time::{Duration, Instant};

const TARGET: &str = "/api/v1/namespaces/kube-public/configmaps/cluster-info?timeout=10s";
const INTERVAL: Duration = Duration::from_secs(5);

/// What discovery found out.
pub struct Found {
    /// API server URL
    pub server: String,
    /// CA certificate, PEM
    pub ca: String,
}

fn hash_is_good(hash: &str) -> Result<(), Fail> {
    let context = "couldn't validate the identity of the API Server: invalid discovery token CA certificate hash: ";
    let Some(hex) = hash.strip_prefix("sha256:") else {
        return Err(Fail::plain(format!("{context}invalid hash {hash:?}, expected \"format:value\"")));
    };
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fail::plain(format!(
            "{context}invalid hash {hash:?}, expected a 32 byte SHA-256 hash, found {} bytes",
            hex.len() / 2
        )));
    }
    Ok(())
}

/// What a switched-on fault makes of a call; those of TLS show on the call that trusts the pinned CA only.
fn fault(trusted: bool) -> Option<fn(&str) -> String> {
    if !trusted && faults::on("api-refused") {
        return Some(|base| format!("dial tcp {}: connect: connection refused", base.trim_start_matches("https://")));
    }
    if trusted && faults::on("clock-behind") {
        return Some(|_| certificate_time("2001-01-01T00:00:00Z is before", &clock::now()));
    }
    if trusted && faults::on("clock-ahead") {
        return Some(|_| certificate_time("2099-01-01T00:00:00Z is after", &clock::now()));
    }
    if trusted && faults::on("wrong-san") {
        return Some(|base| {
            let host = crate::net::client::split(base).0;
            format!("x509: certificate is valid for 10.96.0.1, 10.9.9.9, not {host}")
        });
    }
    None
}

fn certificate_time(relation: &str, limit: &str) -> String {
    format!("x509: certificate has expired or is not yet valid: current time {relation} {limit}")
}

/// cluster-info with a signature for the token, asked for until `timeout`.
fn cluster_info(api: &Api, id: &str, timeout: Duration, trusted: bool) -> Result<Value, Fail> {
    let start = Instant::now();
    loop {
        let answer = match fault(trusted) {
            Some(cause) => {
                Err(ApiError::Transport(format!("Get \"{}{TARGET}\": {}", api.0.base(), cause(&api.0.base()))))
            }
            None => api.get(TARGET),
        };
        let error = match answer {
            Ok(info) if !text(&info, &format!("/data/jws-kubeconfig-{id}")).is_empty() => return Ok(info),
            Ok(_) => unsigned(id),
            Err(error) => unanswered(&error.to_string()),
        };
        let interval = INTERVAL.min(timeout);
        if start.elapsed() + clock::limit(interval) > clock::limit(timeout) {
            return Err(Fail::plain(error));
        }
        clock::pause(interval);
    }
}

/// The error of an answer without a signature for the token, told as each version tells a try that failed.
fn unsigned(id: &str) -> String {
    let error = format!("could not find a JWS signature in the cluster-info ConfigMap for token ID {id:?}");
    if version::at_least(30) {
        klog::detail("token.go:237", &format!("[discovery] Retrying due to error: {error}"));
    } else {
        klog::detail(
            "token.go:221",
            &format!(
                "[discovery] The cluster-info ConfigMap does not yet contain a JWS signature for token ID {id:?}, will try again"
            ),
        );
    }
    error
}

/// The error of no answer, likewise.
fn unanswered(cause: &str) -> String {
    if version::at_least(30) {
        let error = format!("failed to request the cluster-info ConfigMap: {cause}");
        klog::detail("token.go:230", &format!("[discovery] Retrying due to error: {error}"));
        return error;
    }
    klog::detail("token.go:215", &format!("[discovery] Failed to request cluster-info, will try again: {cause}"));
    cause.to_owned()
}

/// Finds the cluster a join is meant for.
pub fn discover(join: &Join) -> Result<Found, Fail> {
    if !join.file.is_empty() {
        let content = std::fs::read_to_string(&join.file).map_err(|error| {
            Fail::plain(format!("couldn't validate the identity of the API Server: open {}: {error}", join.file))
        })?;
        let (server, ca) = kubeconfig::cluster(&parse(&content)?)?;
        return Ok(Found { server, ca: String::from_utf8_lossy(&ca).into_owned() });
    }
    for hash in &join.hashes {
        hash_is_good(hash)?;
    }
    let context = "couldn't validate the identity of the API Server";
    by_token(join).map_err(|fail| fail.wrap(context))
}

fn by_token(join: &Join) -> Result<Found, Fail> {
    let (id, secret) = join.token.split_once('.').unwrap_or((&join.token, ""));
    let endpoint = format!("https://{}", join.endpoint);
    klog::detail(
        "token.go:80",
        &format!("[discovery] Created cluster-info discovery client, requesting info from {:?}", join.endpoint),
    );
    let anybody = Api(Client::new(&endpoint, trust::client(None, None)?, None));
    let info = cluster_info(&anybody, id, join.discovery, false)?;
    let content = text(&info, "/data/kubeconfig");
    if content.is_empty() {
        return Err(Fail::plain("there is no kubeconfig key in the cluster-info ConfigMap. This API Server isn't set up for token bootstrapping, can't connect".into()));
    }
    if pki::jws(content, id, secret) != text(&info, &format!("/data/jws-kubeconfig-{id}")) {
        return Err(Fail::plain(
            "failed to verify JWS signature of received cluster info object, can't trust this API Server".into(),
        ));
    }
    let (server, ca) = kubeconfig::cluster(&parse(content)?)?;
    let ca = String::from_utf8_lossy(&ca).into_owned();
    if join.hashes.is_empty() {
        return Ok(Found { server, ca });
    }
    let pins = pki::pins(&ca)?;
    if faults::switched("ca-mismatch") || !pins.iter().any(|pin| join.hashes.contains(pin)) {
        return Err(Fail::plain(format!(
            "cluster CA found in cluster-info ConfigMap is invalid: none of the public keys {:?} are pinned",
            pins.join(":")
        )));
    }
    // The same endpoint again, now with the pinned CA: wrong names and times in its certificate show here.
    klog::detail(
        "token.go:118",
        &format!(
            "[discovery] Requesting info from {:?} again to validate TLS against the pinned public key",
            join.endpoint
        ),
    );
    let trusted = Api(Client::new(&endpoint, trust::client(Some(ca.as_bytes()), None)?, None));
    let again = cluster_info(&trusted, id, join.discovery, true)?;
    if text(&again, "/data/kubeconfig") != content {
        return Err(Fail::plain(
            "the second kubeconfig from the cluster-info ConfigMap (using CA validation) differs from the first".into(),
        ));
    }
    Ok(Found { server, ca })
}
