//! The options.

use crate::secrets::Secrets;
use ansible::{Kind, Opt, Rule, Spec};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Component, Path};

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "kubectl_apply",
    summary: "Apply manifests with the control plane's own kubectl, which gets them on its stdin",
    options: &[
        Opt::new(
            "state",
            Kind::Str,
            "V(applied) applies O(manifests); V(rendered) has kubectl render the kustomization in O(files), and applies nothing.",
        )
        .default("\"applied\"")
        .choices(&["applied", "rendered"]),
        Opt::new(
            "manifests",
            Kind::List(&Kind::Dict),
            "What is applied, in this order: each with C(text), the YAML or JSON of one or more objects; C(file), what it is called in the answer; and C(server_side), whether the API server merges it, for what is too large for kubectl apply's annotation.",
        )
        .default("[]")
        .withheld(),
        Opt::new("files", Kind::Dict, "The files of a kustomization, by path: their contents in base64.").withheld(),
        Opt::new("entry", Kind::Str, "The directory among O(files) that is rendered.").default("\".\""),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
        Opt::new("timeout", Kind::Int, "How long all of it may take, in seconds.").default("300"),
    ],
    rules: &[Rule::RequiredIf("state", "rendered", &["files"])],
};

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Manifests are in force.
    Applied,
    /// A kustomization is text.
    Rendered,
}

/// The options, read. Not shown: they hold what manifests hold.
#[derive(Clone, Deserialize)]
pub struct Args {
    /// What is wanted.
    pub state: State,
    manifests: Vec<Value>,
    files: Option<Map<String, Value>>,
    /// A directory.
    pub entry: String,
    /// A path.
    pub kubeconfig: String,
    /// Seconds.
    pub timeout: i64,
}

/// Objects that are applied with one call.
#[derive(Clone, PartialEq, Eq)]
pub struct Manifest {
    /// What it is called.
    pub file: String,
    /// YAML or JSON.
    pub text: String,
    /// Whether the server merges it.
    pub server_side: bool,
    /// What it must not be quoted with.
    pub secrets: Secrets,
}

impl Args {
    /// Refuses what cannot be right. No error shows a value that may be a secret.
    pub fn validate(&self) -> anyhow::Result<()> {
        ensure!((1..=7200).contains(&self.timeout), "option timeout is {}: it must be 1 to 7200 seconds", self.timeout);
        ensure!(
            self.kubeconfig.starts_with('/'),
            "option kubeconfig is {:?}: it must be an absolute path",
            self.kubeconfig
        );
        ensure!(is_below(&self.entry), "option entry is {:?}: it must be a relative path without ..", self.entry);
        match self.state {
            State::Applied => {
                ensure!(!self.manifests.is_empty(), "option manifests is empty: give what is to be applied");
                self.manifests().map(drop)
            }
            State::Rendered => self.files().map(drop),
        }
    }

    /// What is applied, in order.
    pub fn manifests(&self) -> anyhow::Result<Vec<Manifest>> {
        self.manifests.iter().enumerate().map(|(at, item)| manifest(at + 1, item)).collect()
    }

    /// The files of the kustomization: path and content.
    pub fn files(&self) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
        let read = |(path, content): (&String, &Value)| {
            ensure!(is_below(path), "option files has the path {path:?}: it must be relative and without ..");
            let content = content.as_str().and_then(|text| STANDARD.decode(text).ok());
            Ok((path.clone(), content.with_context(|| format!("option files: the content of {path:?} is not base64"))?))
        };
        self.files.iter().flatten().map(read).collect()
    }
}

fn manifest(number: usize, item: &Value) -> anyhow::Result<Manifest> {
    let known = ["file", "text", "server_side"];
    for key in item.as_object().into_iter().flatten().map(|(key, _)| key) {
        ensure!(
            known.contains(&key.as_str()),
            "option manifests, entry {number}, has {key:?}: it may have {}",
            known.join(", ")
        );
    }
    let text = item["text"].as_str().unwrap_or_default();
    ensure!(
        !text.trim().is_empty(),
        "option manifests, entry {number}, has no text: give the YAML or JSON of an object"
    );
    let file = item["file"].as_str().map_or_else(|| format!("manifest {number}"), str::to_owned);
    let server_side = match &item["server_side"] {
        Value::Null => false,
        Value::Bool(yes) => *yes,
        _ => anyhow::bail!("option manifests, entry {number} ({file}): server_side must be true or false"),
    };
    Ok(Manifest { file, text: text.to_owned(), server_side, secrets: Secrets::of(text) })
}

fn is_below(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(options: Value) -> String {
        let mut all =
            json!({"state": "applied", "manifests": [], "files": null, "entry": ".", "kubeconfig": "/k", "timeout": 9});
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        serde_json::from_value::<Args>(all).unwrap().validate().unwrap_err().to_string()
    }

    #[test]
    fn what_is_refused_is_named_and_no_text_is_shown() {
        for (options, words) in [
            (json!({}), "option manifests is empty"),
            (json!({"manifests": [{"text": "a: 1"}, {"text": " ", "file": "x"}]}), "entry 2, has no text"),
            (json!({"manifests": [{"txt": "topsecret"}]}), "has \"txt\": it may have file, text, server_side"),
            (
                json!({"manifests": [{"text": "topsecret", "server_side": "topsecret"}]}),
                "server_side must be true or false",
            ),
            (json!({"state": "rendered", "files": {"../x": "eA=="}}), "the path \"../x\": it must be relative"),
            (json!({"state": "rendered", "files": {"/x": "eA=="}}), "it must be relative"),
            (json!({"state": "rendered", "files": {"x": "topsecret!"}}), "the content of \"x\" is not base64"),
            (json!({"entry": "/srv"}), "option entry is \"/srv\""),
            (json!({"timeout": 0}), "option timeout is 0"),
        ] {
            let said = refused(options.clone());
            assert!(said.contains(words) && !said.contains("topsecret"), "{options}: {said}");
        }
    }
}
