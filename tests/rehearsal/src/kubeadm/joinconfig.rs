//! JoinConfiguration and the flags of `kubeadm join`; what does not validate ends with exit status 3.

use super::config::{Registration, documents, flag, flag_values, of_kind, registration};
use super::fail::{Fail, invalid};
use crate::clock::duration;
use crate::yaml::{items, text};
use serde_json::Value;
use std::time::Duration;

/// A join, from file and flags.
#[derive(Clone, Debug, Default)]
pub struct Join {
    /// this machine
    pub node: Registration,
    /// host:port
    pub endpoint: String,
    /// id.secret, for discovery
    pub token: String,
    /// id.secret, for TLS bootstrap
    pub tls_token: String,
    /// pinned `sha256:<hex>`
    pub hashes: Vec<String>,
    /// nothing is pinned, deliberately
    pub unsafe_skip: bool,
    /// discovery by kubeconfig file
    pub file: String,
    /// how long discovery may take (default 5 min)
    pub discovery: Duration,
    /// how long the TLS bootstrap may take (default 5 min)
    pub bootstrap: Duration,
    /// how long the kubelet may take to be healthy (default 4 min, 1.31 and newer)
    pub health: Duration,
    /// where the CA certificate goes
    pub ca_path: String,
    /// phases left out
    pub skip: Vec<String>,
}

fn token_is_good(token: &str) -> bool {
    let part = |text: &str, size| {
        text.len() == size && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    token.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
}

/// A join from `--config FILE` or from flags.
pub fn read(args: &[String]) -> Result<Join, Fail> {
    let documents = flag(args, "--config").map(|path| documents(&path)).transpose()?.unwrap_or_default();
    let document = of_kind(&documents, "JoinConfiguration");
    if flag(args, "--config").is_some() && document.is_null() {
        return Err(Fail::plain("no JoinConfiguration found in config file".into()));
    }
    let bootstrap = &document["discovery"]["bootstrapToken"];
    let word = |flags: &str, value: &str| flag(args, flags).unwrap_or_else(|| value.to_owned());
    let shared = flag(args, "--token").unwrap_or_default();
    let or = |first: String, second: &str| if first.is_empty() { second.to_owned() } else { first };
    let token = or(or(word("--discovery-token", text(bootstrap, "/token")), &shared), "");
    let positional = positional(args);
    let time = |path: &str, default: u64| {
        duration(text(&document, path)).filter(|span| !span.is_zero()).unwrap_or(Duration::from_secs(default))
    };
    let mut hashes: Vec<String> =
        items(bootstrap, "/caCertHashes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    hashes.extend(
        flag_values(args, "--discovery-token-ca-cert-hash").iter().flat_map(|list| list.split(',')).map(str::to_owned),
    );
    let old = text(&document, "/discovery/timeout");
    let join = Join {
        endpoint: or(text(bootstrap, "/apiServerEndpoint").to_owned(), positional.first().map_or("", String::as_str)),
        tls_token: or(
            or(word("--tls-bootstrap-token", text(&document, "/discovery/tlsBootstrapToken")), &shared),
            &token,
        ),
        token,
        hashes,
        unsafe_skip: bootstrap["unsafeSkipCAVerification"] == true
            || args.iter().any(|arg| arg == "--discovery-token-unsafe-skip-ca-verification"),
        file: word("--discovery-file", text(&document, "/discovery/file/kubeConfigPath")),
        discovery: if old.is_empty() { time("/timeouts/discovery", 300) } else { time("/discovery/timeout", 300) },
        bootstrap: time("/timeouts/tlsBootstrap", 300),
        health: time("/timeouts/kubeletHealthCheck", 240),
        ca_path: or(text(&document, "/caCertPath").to_owned(), "/etc/kubernetes/pki/ca.crt"),
        skip: super::phases_skipped(&document, args),
        node: registration(&document, args)?,
    };
    validate(&join)?;
    Ok(join)
}

fn positional(args: &[String]) -> Vec<String> {
    let mut plain = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg.starts_with('-') {
            let alone =
                ["--discovery-token-unsafe-skip-ca-verification", "--control-plane", "--dry-run", "--skip-headers"]
                    .contains(&arg.as_str());
            if !arg.contains('=') && !alone && arg.starts_with("--") {
                rest.next();
            }
        } else {
            plain.push(arg.clone());
        }
    }
    plain
}

fn validate(join: &Join) -> Result<(), Fail> {
    if join.token.is_empty() && join.file.is_empty() {
        return Err(invalid("discovery: Invalid value: \"\": bootstrapToken or file must be set".into()));
    }
    if join.file.is_empty() {
        if !token_is_good(&join.token) {
            return Err(invalid(format!(
                "discovery.bootstrapToken.token: Invalid value: {:?}: the bootstrap token is invalid",
                join.token
            )));
        }
        if join.hashes.is_empty() && !join.unsafe_skip {
            return Err(invalid("discovery.bootstrapToken.caCertHashes: Invalid value: \"\": using token-based discovery without caCertHashes can be unsafe. Set unsafeSkipCAVerification as true in your kubeadm config file or pass --discovery-token-unsafe-skip-ca-verification flag to continue".into()));
        }
        if join.endpoint.is_empty() {
            return Err(invalid("discovery.bootstrapToken: Invalid value: \"\": APIServerEndpoint is not set".into()));
        }
    }
    if !join.tls_token.is_empty() && !token_is_good(&join.tls_token) {
        return Err(invalid(format!(
            "discovery.tlsBootstrapToken: Invalid value: {:?}: the bootstrap token is invalid",
            join.tls_token
        )));
    }
    Ok(())
}
