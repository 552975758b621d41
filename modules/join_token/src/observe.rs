//! The cluster's address, its CA, and the tokens there are.

use crate::args::{Args, State as Wanted};
use anyhow::Context as _;
use host::deadline::Deadline;
use host::process::Output;
use kubeadm::endpoint::Endpoint;
use kubeadm::patience::patiently;
use kubeadm::{ca, kubeconfig, program, time};
use serde_json::Value;
use std::time::SystemTime;

/// A bootstrap token. Its `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// `id.secret`.
    pub text: String,
    /// What is written on it.
    pub description: String,
    /// When it ends; none means never.
    pub expires: Option<SystemTime>,
    /// Whether it serves both to sign cluster-info and to log in.
    pub joins: bool,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("id", &self.id()).field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Token {
    /// The part that is no secret.
    pub fn id(&self) -> &str {
        self.text.split('.').next().unwrap_or_default()
    }
}

/// What is there.
#[derive(Debug, Clone)]
pub struct State {
    /// `host:port` for workers.
    pub endpoint: String,
    /// `sha256:<hex>`.
    pub ca_cert_hash: String,
    /// Tokens with our description; none where they were not asked for.
    pub ours: Vec<Token>,
    /// When they were listed, by this machine's clock, which is the API server's.
    pub now: SystemTime,
}

/// Asks the cluster; about its tokens only when they matter, so that no other task holds one.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let conf = kubeconfig::read(&args.kubeconfig)?.with_context(|| {
        format!("there is no {}: this module runs on a control plane made by kubeadm", args.kubeconfig)
    })?;
    let address = args.control_plane_endpoint.as_deref().unwrap_or(conf.endpoint());
    let endpoint =
        Endpoint::parse(address).with_context(|| format!("reading the server of {}", args.kubeconfig))?.to_string();
    let pem = host::files::read_optional(&args.ca_cert)?.with_context(|| format!("there is no {}", args.ca_cert))?;
    let ca_cert_hash = ca::hash_of_pem(&pem).with_context(|| format!("reading {}", args.ca_cert))?;
    if args.state == Wanted::Ca {
        return Ok(State { endpoint, ca_cert_hash, ours: Vec::new(), now: SystemTime::now() });
    }
    // The long form is --experimental-output up to 1.30 and --output from 1.31 on (kubernetes/kubernetes#124393); the short one stays.
    let listed = ask(args, &["list", "-o", "json"], deadline).context("listing bootstrap tokens")?;
    let mut ours = read(&listed.stdout)?;
    ours.retain(|token| token.description == args.description);
    Ok(State { endpoint, ca_cert_hash, ours, now: SystemTime::now() })
}

/// `kubeadm token …` with the administrator's kubeconfig, again while the API server is overloaded or away.
pub fn ask(args: &Args, words: &[&str], deadline: &Deadline) -> anyhow::Result<Output> {
    let program = program::kubeadm().args(["token"]).args(words).args(["--kubeconfig", &args.kubeconfig]);
    patiently(deadline, |limit| program.run(limit)?.success())
}

/// One JSON object after the other, as kubeadm prints them.
fn read(json: &[u8]) -> anyhow::Result<Vec<Token>> {
    let items = serde_json::Deserializer::from_slice(json).into_iter::<Value>();
    items
        .map(|item| {
            let item = item.context("reading kubeadm's list of bootstrap tokens")?;
            let word = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            let usages: Vec<&str> = item["usages"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            Ok(Token {
                text: word("token"),
                description: word("description"),
                expires: time::parse(&word("expires")),
                joins: usages.contains(&"signing") && usages.contains(&"authentication"),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubeadms_list_is_objects_one_after_the_other() {
        let text = br#"{"kind":"BootstrapToken","token":"abcdef.0123456789abcdef","description":"kubejoin",
            "expires":"2026-11-21T10:00:00Z","usages":["authentication","signing"]}
            {"kind":"BootstrapToken","token":"fedcba.0123456789abcdef","usages":["signing"]}"#;
        let tokens = read(text).unwrap();
        assert_eq!((tokens[0].id(), tokens[0].joins, tokens[0].expires.is_some()), ("abcdef", true, true));
        assert_eq!((tokens[1].description.as_str(), tokens[1].joins, tokens[1].expires), ("", false, None));
        assert!(read(b"").unwrap().is_empty());
        assert!(read(b"TOKEN TTL").is_err());
    }

    #[test]
    fn a_token_does_not_show_its_secret() {
        let token = &read(br#"{"token":"abcdef.0123456789abcdef"}"#).unwrap()[0];
        assert!(!format!("{token:?}").contains("0123456789abcdef"));
    }
}
