//! Bootstrap tokens: `kubeadm token create|list|delete|generate`.

use super::config::{self, flag};
use super::fail::{Fail, invalid};
use crate::net::api::Api;
use crate::yaml::{items, text};
use crate::{clock, kubeconfig, pki, version};
use serde_json::{Value, json};
use std::time::Duration;

const SECRETS: &str = "/api/v1/namespaces/kube-system/secrets";
const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// A token to be made.
pub struct Token {
    id: String,
    secret: String,
    ttl: Duration,
    description: String,
    usages: Vec<String>,
    groups: Vec<String>,
}

/// A fresh `id.secret`.
pub fn generate() -> String {
    format!("{}.{}", pki::random(6, LETTERS), pki::random(16, LETTERS))
}

impl Token {
    /// The token `id.secret`, valid for `ttl` (default 24 h, 0 for ever).
    pub fn new(text: &str, ttl: Option<&str>) -> Result<Self, Fail> {
        let good = |part: &str, size| part.len() == size && part.bytes().all(|byte| LETTERS.contains(&byte));
        let (id, secret) = text.split_once('.').filter(|(id, secret)| good(id, 6) && good(secret, 16)).ok_or_else(|| {
            invalid(format!("the bootstrap token {text:?} was not of the form \"\\\\A([a-z0-9]{{6}})\\\\.([a-z0-9]{{16}})\\\\z\""))
        })?;
        let ttl = match ttl {
            None | Some("") => Duration::from_secs(86400),
            Some(text) => clock::duration(text).ok_or_else(|| {
                Fail::plain(format!("invalid argument {text:?} for \"--ttl\" flag: time: invalid duration {text:?}"))
            })?,
        };
        Ok(Self {
            id: id.into(),
            secret: secret.into(),
            ttl,
            description: String::new(),
            usages: vec!["signing".into(), "authentication".into()],
            groups: vec!["system:bootstrappers:kubeadm:default-node-token".into()],
        })
    }

    /// An entry of `bootstrapTokens`.
    pub fn from_config(value: &Value) -> Result<Self, Fail> {
        let given = text(value, "/token");
        let mut token =
            Self::new(if given.is_empty() { generate() } else { given.to_owned() }.as_str(), value["ttl"].as_str())?;
        token.description = text(value, "/description").into();
        let list =
            |field: &str| items(value, field).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        if !list("/usages").is_empty() {
            token.usages = list("/usages");
        }
        if !list("/groups").is_empty() {
            token.groups = list("/groups");
        }
        Ok(token)
    }

    /// `id.secret`.
    pub fn text(&self) -> String {
        format!("{}.{}", self.id, self.secret)
    }

    /// The Secret that makes the token valid.
    pub fn secret(&self) -> Value {
        let mut data = json!({"token-id": pki::base64(&self.id), "token-secret": pki::base64(&self.secret), "auth-extra-groups": pki::base64(self.groups.join(","))});
        for usage in &self.usages {
            data[format!("usage-bootstrap-{usage}")] = json!(pki::base64("true"));
        }
        if !self.description.is_empty() {
            data["description"] = json!(pki::base64(&self.description));
        }
        if !self.ttl.is_zero() {
            data["expiration"] = json!(pki::base64(clock::stamp(time::OffsetDateTime::now_utc() + self.ttl)));
        }
        json!({"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token", "data": data,
            "metadata": {"name": format!("bootstrap-token-{}", self.id), "namespace": "kube-system"}})
    }
}

fn api(args: &[String]) -> Result<Api, Fail> {
    let path = flag(args, "--kubeconfig").unwrap_or_else(|| "/etc/kubernetes/admin.conf".into());
    kubeconfig::load(&path).map_err(|error| Fail::plain(format!("failed to load admin kubeconfig: {error:#}")))
}

/// `kubeadm token ...`.
pub fn run(args: &[String]) -> Result<(), Fail> {
    let rest = args.get(1..).unwrap_or_default();
    match args.first().map(String::as_str) {
        Some("create") => create(rest),
        Some("list") => list(rest),
        Some("delete") => delete(rest),
        Some("generate") => {
            println!("{}", generate());
            Ok(())
        }
        other => Err(Fail::plain(format!("invalid subcommand {:?}", other.unwrap_or_default()))),
    }
}

fn create(args: &[String]) -> Result<(), Fail> {
    let ttl = flag(args, "--ttl");
    let mut token = match flag(args, "--config") {
        Some(path) => {
            let documents = config::documents(&path)?;
            let init = config::of_kind(&documents, "InitConfiguration");
            items(&init, "/bootstrapTokens")
                .first()
                .map_or_else(|| Token::new(&generate(), None), Token::from_config)?
        }
        None => {
            let mut values = ["--ttl", "--description", "--usages", "--groups", "--kubeconfig", "--certificate-key"]
                .iter()
                .flat_map(|name| config::flag_values(args, name));
            let given = args.iter().find(|arg| !arg.starts_with('-') && !values.any(|value| value == **arg));
            Token::new(given.map_or_else(generate, Clone::clone).as_str(), ttl.as_deref())?
        }
    };
    if let Some(text) = flag(args, "--description") {
        token.description = text;
    }
    let api = api(args)?;
    api.create(SECRETS, &token.secret()).map_err(|error| {
        if error.is_conflict() {
            return Fail::plain(format!("a token with id {:?} already exists", token.id));
        }
        Fail::plain(format!("timed out waiting for the condition: {error}"))
    })?;
    if !args.iter().any(|arg| arg.starts_with("--print-join-command")) {
        println!("{}", token.text());
        return Ok(());
    }
    let admin = crate::yaml::parse(
        &crate::place::read(flag(args, "--kubeconfig").unwrap_or_else(|| "/etc/kubernetes/admin.conf".into()))
            .unwrap_or_default(),
    )?;
    let (server, ca) = kubeconfig::cluster(&admin)?;
    let pins = pki::pins(&String::from_utf8_lossy(&ca))?.join(" --discovery-token-ca-cert-hash ");
    println!(
        "kubeadm join {} --token {} --discovery-token-ca-cert-hash {pins} ",
        server.trim_start_matches("https://"),
        token.text()
    );
    Ok(())
}

fn decoded(secret: &Value, field: &str) -> String {
    pki::unbase64(text(secret, &format!("/data/{field}")))
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

fn list(args: &[String]) -> Result<(), Fail> {
    // Up to 1.30 the long form is --experimental-output (kubernetes/kubernetes#124393).
    if flag(args, "--output").is_some() && !version::at_least(31) {
        return Err(Fail::plain("unknown flag: --output".into()));
    }
    let found = api(args)?.get(&format!("{SECRETS}?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken"))?;
    let json = flag(args, "-o").or_else(|| flag(args, "--output")).is_some_and(|form| form == "json");
    if !json && !items(&found, "/items").is_empty() {
        println!(
            "TOKEN                     TTL         EXPIRES                USAGES                   DESCRIPTION                                                EXTRA GROUPS"
        );
    }
    for secret in items(&found, "/items") {
        let token = format!("{}.{}", decoded(secret, "token-id"), decoded(secret, "token-secret"));
        let expires = decoded(secret, "expiration");
        let left = clock::seconds_since(&expires).map_or_else(
            || "<forever>".to_owned(),
            |seconds| {
                let left = (-seconds).max(0.0) as u64;
                if left >= 3600 { format!("{}h", left / 3600) } else { format!("{}m", left / 60) }
            },
        );
        let usages: Vec<_> = ["authentication", "signing"]
            .into_iter()
            .filter(|usage| decoded(secret, &format!("usage-bootstrap-{usage}")) == "true")
            .collect();
        if json {
            let mut object = json!({"kind": "BootstrapToken", "apiVersion": "output.kubeadm.k8s.io/v1alpha1", "creationTimestamp": null, "token": token,
                "usages": usages, "groups": decoded(secret, "auth-extra-groups").split(',').collect::<Vec<_>>()});
            // What is empty is left out, as Go's omitempty does.
            for (name, value) in [("description", decoded(secret, "description")), ("expires", expires)] {
                if !value.is_empty() {
                    object[name] = json!(value);
                }
            }
            println!("{}", serde_json::to_string_pretty(&object).unwrap_or_default());
            continue;
        }
        let or = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
        println!(
            "{token:<25} {left:<11} {:<22} {:<24} {:<58} {}",
            or(expires, "<never>"),
            usages.join(","),
            or(decoded(secret, "description"), "<none>"),
            decoded(secret, "auth-extra-groups")
        );
    }
    Ok(())
}

fn delete(args: &[String]) -> Result<(), Fail> {
    let api = api(args)?;
    for token in args.iter().filter(|arg| !arg.starts_with('-') && !arg.starts_with('/')) {
        let id = token.split('.').next().unwrap_or_default();
        if id.len() != 6 {
            return Err(invalid(format!(
                "given token or token id {token:?} didn't match pattern \"\\\\A([a-z0-9]{{6}})\\\\z\" or \"\\\\A([a-z0-9]{{6}})\\\\.([a-z0-9]{{16}})\\\\z\""
            )));
        }
        let shown = if version::at_least(22) { id } else { token };
        api.delete(&format!("{SECRETS}/bootstrap-token-{id}"))
            .map_err(|error| Fail::plain(format!("failed to delete bootstrap token {id:?}: {error}")))?;
        println!("bootstrap token {shown:?} deleted");
    }
    Ok(())
}
