//! kubeadm's configuration files (v1beta2 to v1beta4) and flags, brought into one form; wrong ones are refused with exit status 3.

use super::fail::{Fail, invalid};
use crate::clock::duration;
use crate::yaml::{items, text};
use crate::{version, yaml};
use serde_json::Value;
use std::time::Duration;

/// How this machine is to be registered.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// Node name
    pub name: String,
    /// as given, or found
    pub cri_socket: String,
    /// preflight tags whose errors become warnings, lower case
    pub ignore: Vec<String>,
    /// kubelet flags, without dashes
    pub extra: Vec<(String, String)>,
    /// given taints; None when the field was absent
    pub taints: Option<Vec<Value>>,
}

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

/// The values of a flag that may stand as `--x=v` or `--x v`.
pub fn flag_values(args: &[String], name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, arg) in args.iter().enumerate() {
        if let Some(value) = arg.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            found.push(value.to_owned());
        } else if arg == name
            && let Some(value) = args.get(at + 1)
        {
            found.push(value.clone());
        }
    }
    found
}

/// The last value of a flag.
pub fn flag(args: &[String], name: &str) -> Option<String> {
    flag_values(args, name).pop()
}

/// Host name as kubeadm takes it: lower case.
pub fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_lowercase()
}

/// Reads a configuration file; refuses API versions the claimed version does not know.
pub fn documents(path: &str) -> Result<Vec<Value>, Fail> {
    let content = std::fs::read_to_string(path)
        .map_err(|error| Fail::plain(format!("unable to read config from {path:?} : open {path}: {}", os(&error))))?;
    let documents = yaml::documents(&content).map_err(|error| Fail::plain(format!("{error:#}")))?;
    for document in &documents {
        let (api, kind) = (text(document, "/apiVersion"), text(document, "/kind"));
        let Some(spec) = api.strip_prefix("kubeadm.k8s.io/") else { continue };
        let minor = version::claimed().minor;
        match spec {
            "v1beta4" if minor >= 31 => {}
            "v1beta3" if (22..).contains(&minor) => {
                if minor >= 31 {
                    deprecated(api, kind);
                }
            }
            "v1beta2" if minor < 27 => {
                if minor >= 22 {
                    deprecated(api, kind);
                }
            }
            "v1beta1" | "v1beta2" | "v1alpha3" => {
                return Err(Fail::plain(format!(
                    "your configuration file uses an old API spec: {api:?} (kind: {kind:?}). Please use kubeadm v1.{} instead and run 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version.",
                    if spec == "v1beta2" { 22 } else { 15 }
                )));
            }
            _ => {
                return Err(Fail::plain(format!(
                    "no kind {kind:?} is registered for version {api:?} in scheme \"k8s.io/kubernetes/cmd/kubeadm/app/apis/kubeadm/scheme/scheme.go:31\""
                )));
            }
        }
    }
    Ok(documents)
}

fn deprecated(api: &str, kind: &str) {
    crate::klog::warn(
        "common.go:101",
        &format!(
            "your configuration file uses a deprecated API spec: {api:?} (kind: {kind:?}). Please use 'kubeadm config migrate --old-config old-config-file --new-config new-config-file', which will write the new, similar spec using a newer API version."
        ),
    );
}

fn os(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".into(),
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        _ => error.to_string(),
    }
}

/// The document of a kind, Null when it is not there.
pub fn of_kind(documents: &[Value], kind: &str) -> Value {
    documents.iter().find(|document| text(document, "/kind") == kind).cloned().unwrap_or_default()
}

/// Extra arguments in the map form of v1beta3 or the list form of v1beta4.
pub fn extra_args(value: &Value) -> Vec<(String, String)> {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Array(list) => list.iter().map(|item| (text(item, "/name").to_owned(), plain(&item["value"]))).collect(),
        _ => Vec::new(),
    }
}

/// The registration part of an InitConfiguration or JoinConfiguration, with the flags that override it.
pub fn registration(document: &Value, args: &[String]) -> Result<Registration, Fail> {
    let node = &document["nodeRegistration"];
    let mut ignore: Vec<String> =
        items(node, "/ignorePreflightErrors").iter().filter_map(Value::as_str).map(str::to_lowercase).collect();
    for value in flag_values(args, "--ignore-preflight-errors") {
        ignore.extend(value.split(',').map(|tag| tag.trim().to_lowercase()));
    }
    let mut name = flag(args, "--node-name").unwrap_or_else(|| text(node, "/name").to_owned());
    if name.is_empty() {
        name = hostname();
    }
    let given = flag(args, "--cri-socket").unwrap_or_else(|| text(node, "/criSocket").to_owned());
    let cri_socket = if given.is_empty() { super::runtime::detect()? } else { super::runtime::normal(&given) };
    let taints = node["taints"].as_array().cloned();
    Ok(Registration {
        name: name.trim().to_lowercase(),
        cri_socket,
        ignore,
        extra: extra_args(&node["kubeletExtraArgs"]),
        taints,
    })
}

fn token_is_good(token: &str) -> bool {
    let part = |text: &str, size| {
        text.len() == size && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    token.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
}

/// A join from `--config FILE` or from flags.
pub fn join(args: &[String]) -> Result<Join, Fail> {
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
