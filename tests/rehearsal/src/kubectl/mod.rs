//! kubectl: the subcommands people and modules use, against the stand-in API server.

mod apply;
mod certificate;
mod delete;
mod diff;
mod edit;
mod get;
mod jsonpath;
mod print;
mod rollout;
mod rows;

use crate::net::api::{Api, ApiError};
use crate::{banner, kinds, kubeconfig};
use std::process::ExitCode;

/// A parsed command line.
pub struct Line {
    /// words that are no flags
    pub words: Vec<String>,
    /// flags with their values (true for those without)
    flags: Vec<(String, String)>,
}

/// Flags that take no value.
const SWITCHES: &[&str] = &[
    "A",
    "all-namespaces",
    "no-headers",
    "show-labels",
    "server-side",
    "force",
    "force-conflicts",
    "overwrite",
    "ignore-not-found",
    "all",
    "wait",
    "now",
    "w",
    "watch",
    "client",
    "short",
    "recursive",
    "R",
    "ignore-daemonsets",
    "delete-emptydir-data",
    "delete-local-data",
    "insecure-skip-tls-verify",
    "previous",
    "f-follow",
    "show-managed-fields",
    "list",
    "disable-eviction",
    "prune",
    "record",
    "h",
    "help",
];

fn parse(args: &[String]) -> Line {
    let (mut words, mut flags) = (Vec::new(), Vec::new());
    let mut rest = args.iter().peekable();
    while let Some(arg) = rest.next() {
        if arg == "--" {
            words.extend(rest.by_ref().cloned());
            break;
        }
        let Some(name) = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-').filter(|name| !name.is_empty()))
        else {
            words.push(arg.clone());
            continue;
        };
        if let Some((name, value)) = name.split_once('=') {
            flags.push((name.to_owned(), value.to_owned()));
        } else if SWITCHES.contains(&name) {
            flags.push((name.to_owned(), "true".into()));
        } else if !arg.starts_with("--") && name.len() > 1 {
            flags.push((name[..1].to_owned(), name[1..].to_owned()));
        } else {
            flags.push((name.to_owned(), rest.next().cloned().unwrap_or_default()));
        }
    }
    Line { words, flags }
}

impl Line {
    /// The last value of a flag under any of its names.
    pub fn flag(&self, names: &[&str]) -> Option<&str> {
        self.flags.iter().rev().find(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.as_str())
    }

    /// All values of a flag.
    pub fn all(&self, names: &[&str]) -> Vec<&str> {
        self.flags.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a switch is on.
    pub fn on(&self, names: &[&str]) -> bool {
        self.flag(names).is_some_and(|value| value != "false")
    }

    /// The namespace meant; empty means all.
    pub fn namespace(&self) -> String {
        if self.on(&["A", "all-namespaces"]) {
            String::new()
        } else {
            self.flag(&["n", "namespace"]).unwrap_or("default").to_owned()
        }
    }
}

/// Why kubectl failed: the line for stderr, and the exit status.
pub struct Refusal(pub String, pub u8);

impl Refusal {
    /// A refusal with exit status 1.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into(), 1)
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Status { reason, message, .. } if reason == "Unauthorized" => {
                Self::new(format!("error: You must be logged in to the server ({message})"))
            }
            ApiError::Status { reason, message, .. } => Self::new(format!("Error from server ({reason}): {message}")),
            ApiError::Transport(text) if text.contains("connection refused") => {
                let server = text
                    .split("https://")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next())
                    .unwrap_or("localhost:8080")
                    .to_owned();
                Self::new(format!(
                    "The connection to the server {server} was refused - did you specify the right host or port?"
                ))
            }
            ApiError::Transport(text) => {
                Self::new(format!("Unable to connect to the server: {}", text.split("\": ").nth(1).unwrap_or(&text)))
            }
        }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self::new(format!("error: {error:#}"))
    }
}

fn connect(line: &Line) -> Result<Api, Refusal> {
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
    let path = line
        .flag(&["kubeconfig"])
        .map(str::to_owned)
        .or_else(|| std::env::var("KUBECONFIG").ok())
        .unwrap_or_else(|| format!("{home}/.kube/config"));
    if !std::path::Path::new(&path).exists() {
        if line.flag(&["kubeconfig"]).is_some() {
            return Err(Refusal::new(format!("error: stat {path}: no such file or directory")));
        }
        return Err(Refusal::new(
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
        ));
    }
    Ok(kubeconfig::load(&path)?)
}

/// Takes over what custom resource definitions add, as the real one does from discovery, once for a command: what a command
/// defines itself is unknown to it. Without an answer nothing is added.
fn learn(api: &Api) {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let list = api.get(path).unwrap_or_default();
    for definition in crate::yaml::items(&list, "/items") {
        kinds::of_definition(definition);
    }
}

/// A resource by the word the user typed.
pub fn kind(word: &str) -> Result<&'static kinds::Kind, Refusal> {
    kinds::by_word(word).ok_or_else(|| Refusal::new(format!("error: the server doesn't have a resource type {word:?}")))
}

/// `kubectl ARGS`.
pub fn main(args: &[String]) -> ExitCode {
    let line = parse(args);
    match run(&line) {
        Ok(code) => ExitCode::from(code),
        Err(Refusal(text, code)) => {
            eprintln!("{text}");
            ExitCode::from(code)
        }
    }
}

fn run(line: &Line) -> Result<u8, Refusal> {
    let verb = line.words.first().map_or("", String::as_str);
    if verb == "version" {
        return version(line);
    }
    let api = match verb {
        "" | "config" | "help" | "completion" => {
            return Err(Refusal::new(
                "kubectl (rehearsal): a subcommand is needed: get, describe, apply, diff, create, delete, patch, annotate, label, taint, rollout, wait, certificate, cordon, uncordon, drain, logs, cluster-info, version",
            ));
        }
        _ => connect(line)?,
    };
    let typed = line.words.get(if verb == "rollout" { 2 } else { 1 }).map_or("", String::as_str);
    let unknown = |word: &str| kinds::by_word(word.split('/').next().unwrap_or_default()).is_none();
    if typed.split(',').any(|word| !word.is_empty() && unknown(word)) {
        learn(&api);
    }
    match verb {
        "get" => get::get(line, &api),
        "describe" => get::describe(line, &api),
        "logs" => get::logs(line, &api),
        "apply" | "create" | "replace" => apply::files(line, &api, verb),
        "diff" => diff::diff(line, &api),
        "delete" => delete::delete(line, &api),
        "patch" | "annotate" | "label" | "taint" | "cordon" | "uncordon" | "drain" | "scale" => {
            edit::edit(line, &api, verb)
        }
        "rollout" => rollout::rollout(line, &api),
        "certificate" => certificate::certificate(line, &api),
        "wait" => rollout::wait(line, &api),
        "cluster-info" => {
            println!(
                "Kubernetes control plane is running at {}\n\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.",
                api.0.base()
            );
            Ok(0)
        }
        other => Err(Refusal::new(format!("error: unknown command {other:?} for \"kubectl\""))),
    }
}

fn version(line: &Line) -> Result<u8, Refusal> {
    let own = crate::apiserver::version_object();
    let server = if line.on(&["client"]) { None } else { connect(line).and_then(|api| Ok(api.get("/version")?)).ok() };
    if line.flag(&["o", "output"]) == Some("json") {
        let mut object = serde_json::json!({"clientVersion": own});
        if let Some(server) = server {
            object["serverVersion"] = server;
        }
        println!("{}", serde_json::to_string_pretty(&object).unwrap_or_default());
        return Ok(0);
    }
    println!("Client Version: {}", own["gitVersion"].as_str().unwrap_or_default());
    if let Some(server) = server {
        println!("Server Version: {}", server["gitVersion"].as_str().unwrap_or_default());
    }
    println!("{}", banner::LINE);
    Ok(0)
}
