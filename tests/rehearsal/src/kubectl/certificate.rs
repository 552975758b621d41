//! certificate approve and deny: a person's word on a certificate signing request.

use super::{Line, Refusal};
use crate::apiserver::verdict;
use crate::net::api::Api;
use crate::yaml::items;
use serde_json::json;

const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/// `kubectl certificate approve|deny NAME...`; what has been decided already stays as it is.
pub fn certificate(line: &Line, api: &Api) -> Result<u8, Refusal> {
    let (kind, reason, said) = match line.words.get(1).map(String::as_str) {
        Some("approve") => ("Approved", "KubectlApprove", "approved"),
        Some("deny") => ("Denied", "KubectlDeny", "denied"),
        _ => return Err(Refusal::new("error: a subcommand is needed: approve, deny")),
    };
    if line.words.len() < 3 {
        return Err(Refusal::new("error: one or more CSRs must be specified as <name> or -f <filename>"));
    }
    for name in &line.words[2..] {
        let target = format!("{REQUESTS}/{name}");
        let mut request = api.get(&target)?;
        let mut conditions = items(&request, "/status/conditions").to_vec();
        if conditions.iter().all(|condition| condition["type"] != kind) {
            conditions.push(verdict(
                kind,
                reason,
                &format!("This CSR was {said} by kubectl certificate {}.", line.words[1]),
            ));
        }
        request["status"]["conditions"] = json!(conditions);
        api.replace(&format!("{target}/approval"), &request)?;
        println!("certificatesigningrequest.certificates.k8s.io/{name} {said}");
    }
    Ok(0)
}
