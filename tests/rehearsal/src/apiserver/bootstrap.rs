//! Bootstrap: signs cluster-info for each token, drops expired tokens, approves and signs kubelets' certificate requests.

use super::auth::{token_expired, token_field};
use super::store::{Store, key};
use crate::pki::{self, Pair};
use crate::yaml::{items, text};
use crate::{clock, faults};
use anyhow::Result;
use serde_json::{Value, json};

/// Keeps the `jws-kubeconfig-*` signatures in kube-public/cluster-info in step with the tokens.
pub fn sign_cluster_info(store: &mut Store) -> Result<()> {
    let tokens: Vec<Value> = store
        .list("secrets", Some("kube-system"))
        .filter(|secret| text(secret, "/type") == "bootstrap.kubernetes.io/token")
        .cloned()
        .collect();
    for token in tokens.iter().filter(|token| token_expired(token)) {
        store.remove(&key("secrets", "kube-system", text(token, "/metadata/name")))?;
    }
    let at = key("configmaps", "kube-public", "cluster-info");
    let Some(mut info) = store.get(&at).cloned() else { return Ok(()) };
    let content = text(&info, "/data/kubeconfig").to_owned();
    if let Some(data) = info["data"].as_object_mut() {
        data.retain(|name, _| !name.starts_with("jws-kubeconfig-"));
    }
    if !faults::switched("token-expired") {
        for token in tokens
            .iter()
            .filter(|token| !token_expired(token) && token_field(token, "usage-bootstrap-signing") == "true")
        {
            let (id, mut secret) = (token_field(token, "token-id"), token_field(token, "token-secret"));
            if faults::switched("jws-bad") {
                secret.push('x');
            }
            info["data"][format!("jws-kubeconfig-{id}")] = json!(pki::jws(&content, &id, &secret));
        }
    }
    store.put(at, info).map(drop)
}

/// Approves (csrapproving) and signs (csrsigning) what a bootstrapping or renewing kubelet asks for: two controllers, so
/// that what a person approves is signed as well.
pub fn sign_requests(store: &mut Store, ca: &Pair) -> Result<()> {
    for mut request in store.list("certificates.k8s.io/certificatesigningrequests", None).cloned().collect::<Vec<_>>() {
        if !request["status"]["certificate"].is_null()
            || text(&request, "/spec/signerName") != "kubernetes.io/kube-apiserver-client-kubelet"
        {
            continue;
        }
        if items(&request, "/status/conditions").is_empty() && !faults::switched("tls-bootstrap-hang") {
            approve(&mut request);
        }
        if has(&request, "Approved") && !has(&request, "Failed") && !faults::switched("csr-not-issued") {
            sign(&mut request, ca)?;
        }
        let at = key("certificates.k8s.io/certificatesigningrequests", "", text(&request, "/metadata/name"));
        store.put(at, request)?;
    }
    Ok(())
}

/// Whether a request has this condition.
fn has(request: &Value, kind: &str) -> bool {
    items(request, "/status/conditions").iter().any(|condition| condition["type"] == kind)
}

/// A condition as the API server completes it.
pub fn condition(kind: &str, reason: &str, message: &str) -> Value {
    let now = clock::now();
    json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastUpdateTime": now, "lastTransitionTime": now})
}

fn approve(request: &mut Value) {
    let may = ["system:bootstrappers", "system:nodes", "system:masters"];
    if !items(request, "/spec/groups").iter().any(|group| may.iter().any(|name| group == name)) {
        return;
    }
    let verdict = if faults::switched("csr-denied") {
        condition("Denied", "KubectlDeny", "This CSR was denied by kubectl certificate deny.")
    } else {
        let message = "Auto approving kubelet client certificate after SubjectAccessReview.";
        condition("Approved", "AutoApproved", message)
    };
    request["status"]["conditions"] = json!([verdict]);
}

fn sign(request: &mut Value, ca: &Pair) -> Result<()> {
    if faults::switched("csr-failed") {
        let failed = condition("Failed", "SignerValidationFailure", "subject organization is not system:nodes");
        if let Some(conditions) = request["status"]["conditions"].as_array_mut() {
            conditions.push(failed);
        }
        return Ok(());
    }
    let pem = pki::unbase64(text(request, "/spec/request"))?;
    request["status"]["certificate"] = json!(pki::base64(pki::sign(ca, &String::from_utf8_lossy(&pem))?));
    Ok(())
}
