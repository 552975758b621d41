//! kubeconfig files: written as kubeadm writes them, read into a client.

use crate::net::api::Api;
use crate::net::client::Client;
use crate::net::trust;
use crate::pki::{Pair, base64, unbase64};
use crate::yaml::{items, text};
use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

/// What a user proves itself with.
pub enum Credential<'a> {
    /// certificate and key, embedded
    Pair(&'a Pair),
    /// bearer token
    Token(&'a str),
    /// nothing (cluster-info)
    Nobody,
}

/// A kubeconfig as an object.
pub fn make(server: &str, ca: &str, cluster: &str, user: &str, credential: &Credential<'_>) -> Value {
    let secret = match credential {
        Credential::Pair(pair) => {
            json!({"client-certificate-data": base64(&pair.cert), "client-key-data": base64(&pair.key)})
        }
        Credential::Token(token) => json!({"token": token}),
        Credential::Nobody => Value::Null,
    };
    let cluster_entry =
        json!({"cluster": {"certificate-authority-data": base64(ca), "server": server}, "name": cluster});
    if matches!(credential, Credential::Nobody) {
        let entry = json!({"cluster": {"certificate-authority-data": base64(ca), "server": server}, "name": ""});
        return json!({"apiVersion": "v1", "clusters": [entry], "contexts": null, "current-context": "", "kind": "Config", "preferences": {}, "users": null});
    }
    let context = format!("{user}@{cluster}");
    json!({"apiVersion": "v1", "clusters": [cluster_entry],
        "contexts": [{"context": {"cluster": cluster, "user": user}, "name": context}],
        "current-context": context, "kind": "Config", "preferences": {},
        "users": [{"name": user, "user": secret}]})
}

/// The kubeconfig the kubelet writes for itself after asking for its certificate.
pub fn for_kubelet(server: &str, ca: &str, pem: &str) -> Value {
    json!({"apiVersion": "v1",
        "clusters": [{"cluster": {"certificate-authority-data": base64(ca), "server": server}, "name": "default-cluster"}],
        "contexts": [{"context": {"cluster": "default-cluster", "namespace": "default", "user": "default-auth"}, "name": "default-context"}],
        "current-context": "default-context", "kind": "Config", "preferences": {},
        "users": [{"name": "default-auth", "user": {"client-certificate": pem, "client-key": pem}}]})
}

/// Server URL and CA (PEM) of a kubeconfig.
pub fn cluster(config: &Value) -> Result<(String, Vec<u8>)> {
    let entry = items(config, "/clusters")
        .first()
        .ok_or_else(|| anyhow!("invalid configuration: no configuration has been provided"))?;
    let ca = match entry["cluster"]["certificate-authority"].as_str() {
        Some(path) => std::fs::read(path).with_context(|| format!("unable to read certificate-authority {path}"))?,
        None => unbase64(text(entry, "/cluster/certificate-authority-data"))?,
    };
    Ok((text(entry, "/cluster/server").to_owned(), ca))
}

/// A client made from a kubeconfig.
pub fn client(config: &Value) -> Result<Api> {
    let (server, ca) = cluster(config)?;
    let user = items(config, "/users").first().map(|user| user["user"].clone()).unwrap_or_default();
    let part = |file: &str, data: &str| -> Result<Option<Vec<u8>>> {
        match (user[file].as_str(), user[data].as_str()) {
            (Some(path), _) => Ok(Some(std::fs::read(path).with_context(|| format!("unable to read {file} {path}"))?)),
            (_, Some(text)) => Ok(Some(unbase64(text)?)),
            _ => Ok(None),
        }
    };
    let cert = part("client-certificate", "client-certificate-data")?;
    let key = part("client-key", "client-key-data")?;
    let tls = trust::client(Some(&ca), cert.as_deref().zip(key.as_deref()))?;
    Ok(Api(Client::new(&server, tls, user["token"].as_str().map(str::to_owned))))
}

/// A client made from a kubeconfig file.
pub fn load(path: &str) -> Result<Api> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!("stat {path}: no such file or directory"),
        _ => anyhow!("open {path}: {error}"),
    })?;
    client(&crate::yaml::parse(&text).with_context(|| format!("loading config file {path:?}"))?)
}
