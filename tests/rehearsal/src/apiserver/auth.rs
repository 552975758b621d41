//! Who a request comes from and what it may do: a fixed policy that mirrors kubeadm's default RBAC.

use super::store::{Store, key};
use crate::{clock, faults, pki};
use rustls::pki_types::CertificateDer;
use serde_json::Value;

/// An authenticated user.
pub struct User {
    /// name
    pub name: String,
    /// groups
    pub groups: Vec<String>,
}

impl User {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self { name: "system:anonymous".into(), groups: vec!["system:unauthenticated".into()] }
    }

    /// Whether the user is in `group`.
    pub fn is(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}

/// What is asked for.
pub struct Ask<'a> {
    /// get, list, create, update, patch, delete
    pub verb: &'a str,
    /// API group
    pub group: &'a str,
    /// plural resource
    pub resource: &'a str,
    /// namespace, empty for none
    pub namespace: &'a str,
    /// object name, empty for the collection
    pub name: &'a str,
}

fn secret_text(secret: &Value, field: &str) -> String {
    let data = secret["data"][field].as_str().unwrap_or_default();
    pki::unbase64(data).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// A field of a bootstrap token secret, decoded.
pub fn token_field(secret: &Value, field: &str) -> String {
    secret_text(secret, field)
}

/// Whether a bootstrap token secret has passed its expiration.
pub fn token_expired(secret: &Value) -> bool {
    let expiration = secret_text(secret, "expiration");
    !expiration.is_empty() && clock::seconds_since(&expiration).is_none_or(|seconds| seconds > 0.0)
}

fn token_user(store: &Store, token: &str, account_key: &[u8]) -> Option<User> {
    if let Some(user) = account(token, account_key) {
        return Some(user);
    }
    let (id, secret) = token.split_once('.')?;
    let object = store.get(&key("secrets", "kube-system", &format!("bootstrap-token-{id}")))?;
    let good = secret_text(object, "token-secret") == secret
        && secret_text(object, "usage-bootstrap-authentication") == "true"
        && !token_expired(object);
    let mut groups = vec!["system:bootstrappers".to_owned(), "system:authenticated".to_owned()];
    groups.extend(
        secret_text(object, "auth-extra-groups").split(',').filter(|group| !group.is_empty()).map(str::to_owned),
    );
    good.then(|| User { name: format!("system:bootstrap:{id}"), groups })
}

fn account_tag(name: &str, account_key: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, account_key);
    pki::base64url(ring::hmac::sign(&key, name.as_bytes()))
}

/// A bearer token for `namespace:account`.
pub fn account_token(name: &str, account_key: &[u8]) -> String {
    format!("sa.{}.{}", pki::base64url(name), account_tag(name, account_key))
}

fn account(token: &str, account_key: &[u8]) -> Option<User> {
    use base64::Engine;
    let (name, tag) = token.strip_prefix("sa.")?.split_once('.')?;
    let name = String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
    let good = account_tag(&name, account_key) == tag;
    good.then(|| User { name: format!("system:serviceaccount:{name}"), groups: vec!["system:serviceaccounts".into()] })
}

/// The user of a request; None when what it showed is no good (401).
pub fn authenticate(
    store: &Store,
    ca: &str,
    account_key: &[u8],
    cert: Option<&CertificateDer<'_>>,
    bearer: Option<&str>,
) -> Option<User> {
    if let Some(cert) = cert {
        let (name, mut groups) = pki::identity(cert)?;
        groups.push("system:authenticated".into());
        return crate::net::trust::signed_by(ca.as_bytes(), cert).then_some(User { name, groups });
    }
    match bearer {
        Some(token) => token_user(store, token, account_key),
        None => (!faults::switched("anonymous-off")).then(User::anonymous),
    }
}

/// Whether `user` may do it.
pub fn allowed(user: &User, ask: &Ask<'_>) -> bool {
    if user.is("system:masters")
        || user.is("kubeadm:cluster-admins")
        || user.is("system:nodes")
        || user.is("system:serviceaccounts")
    {
        return true;
    }
    if user.name.starts_with("system:kube-") {
        return true;
    }
    let read = matches!(ask.verb, "get" | "list");
    let cluster_info = ask.namespace == "kube-public"
        && ask.resource == "configmaps"
        && ask.name == "cluster-info"
        && ask.verb == "get";
    if user.is("system:bootstrappers") {
        let configs = !faults::switched("config-forbidden")
            && ask.namespace == "kube-system"
            && ask.resource == "configmaps"
            && (ask.name.starts_with("kubeadm-config")
                || ask.name.starts_with("kubelet-config")
                || ask.name == "kube-proxy");
        // system:node-bootstrapper: to ask, and to see what becomes of it; never to approve.
        let requests = ask.resource == "certificatesigningrequests"
            && (matches!(ask.verb, "create" | "get") || ask.verb == "list" && !faults::switched("csr-unseen"));
        return cluster_info || (read && configs) || (ask.verb == "get" && ask.resource == "nodes") || requests;
    }
    cluster_info && !faults::switched("anonymous-forbidden")
}
