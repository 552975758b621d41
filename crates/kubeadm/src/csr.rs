//! A kubelet's request for its client certificate, as the API server shows it (`certificates.k8s.io/v1`).
//!
//! A bootstrap token may list these: kubeadm binds its group to `system:node-bootstrapper`, which has create, get, list and
//! watch (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`). Many nodes share one token, so that a request is
//! known as this node's by the name in it, and by its age: requests are kept for hours (denied and issued ones one hour,
//! pending ones a day: `pkg/controller/certificates/cleaner`). Pure; what cannot be read is nobody's request.

use crate::ca::base64_decode;
use crate::time;
use serde_json::Value;
use std::time::SystemTime;

/// All requests for client certificates of kubelets.
pub const LIST: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests?fieldSelector=spec.signerName%3Dkubernetes.io/kube-apiserver-client-kubelet";
/// commonName (2.5.4.3) in DER.
const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
/// The string types a name is written as: UTF8String, PrintableString (which is Go's choice for what the kubelet asks for).
const STRINGS: [u8; 2] = [0x0c, 0x13];

/// How far it has come. The texts are the cluster's reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has approved or denied it.
    Pending,
    /// Approved, and no certificate yet.
    Approved,
    /// The certificate is there.
    Issued,
    /// Somebody denied it.
    Denied(String),
    /// The signer cannot sign it.
    Failed(String),
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its name, for `kubectl certificate approve`.
    pub name: String,
    /// How far it has come.
    pub state: State,
}

/// The request of `node` that tells how its kubelet fares, of those made at `since` (by the API server's clock) or later.
///
/// The newest, because a kubelet asks anew after a while; unless an earlier one was refused, which holds for the next.
pub fn of(list: &Value, node: &str, since: SystemTime) -> Option<Request> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut ours: Vec<(SystemTime, Request)> = items
        .iter()
        .filter(|item| asks_for(item, &format!("system:node:{node}")))
        .filter_map(|item| {
            let made = time::parse(item["metadata"]["creationTimestamp"].as_str()?)?;
            let name = item["metadata"]["name"].as_str()?.to_owned();
            (made >= since).then_some((made, Request { name, state: state(item) }))
        })
        .collect();
    ours.sort_by_key(|(made, _)| *made);
    let newest = ours.pop().map(|(_, request)| request)?;
    let refused = |request: &Request| matches!(request.state, State::Denied(_) | State::Failed(_));
    if newest.state == State::Issued || refused(&newest) {
        return Some(newest);
    }
    Some(ours.into_iter().rev().map(|(_, request)| request).find(refused).unwrap_or(newest))
}

/// Whether the request is for a certificate of this common name. No other name can end or begin with it: the string's
/// length is part of what is looked for.
fn asks_for(item: &Value, name: &str) -> bool {
    let pem = item["spec"]["request"].as_str().and_then(base64_decode);
    let text = pem.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    let Some(der) = base64_decode(&body) else { return false };
    let length = match u8::try_from(name.len()) {
        Ok(short @ 0..=0x7f) => vec![short],
        Ok(long) => vec![0x81, long],
        Err(_) => return false,
    };
    STRINGS.iter().any(|kind| {
        let wanted = [&COMMON_NAME, [*kind].as_slice(), &length, name.as_bytes()].concat();
        der.windows(wanted.len()).any(|window| window == wanted)
    })
}

fn state(item: &Value) -> State {
    let conditions = item["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let found = |kind: &str| conditions.iter().find(|c| c["type"] == kind && c["status"] != "False");
    let words = |condition: &Value| {
        let word = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        [word("reason"), word("message")].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(": ")
    };
    if let Some(denied) = found("Denied") {
        return State::Denied(words(denied));
    }
    if let Some(failed) = found("Failed") {
        return State::Failed(words(failed));
    }
    let issued = item["status"]["certificate"].as_str().is_some_and(|text| !text.is_empty());
    match (issued, found("Approved")) {
        (true, _) => State::Issued,
        (false, Some(_)) => State::Approved,
        (false, None) => State::Pending,
    }
}

#[cfg(test)]
#[path = "csr_tests.rs"]
mod tests;
