//! The options, and what they must look like before anything is touched.

use ansible::{Kind, Opt, Rule, Spec};
use anyhow::{Context as _, ensure};
use kubeadm::config::{Discovery, NodeRegistration, Taint};
use kubeadm::endpoint::Endpoint;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;

const STR_LIST: Kind = Kind::List(&Kind::Str);

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "kubeadm_join_guarded",
    summary: "Join this node to a cluster with kubeadm, and say why when it fails",
    options: &[
        Opt::new("control_plane_endpoint", Kind::Str, "Address of the API server, host:port. The port may be left out when it is 6443.")
            .aliases(&["endpoint"]),
        Opt::new("token", Kind::Str, "Bootstrap token. Needed only when the node has to join.").no_log(),
        Opt::new("ca_cert_hashes", STR_LIST, "Hashes of the cluster's CA, sha256:<hex>. Without any, whoever answers is trusted.")
            .aliases(&["ca_cert_hash"])
            .default("[]"),
        Opt::new("discovery_file", Kind::Str, "Kubeconfig on the node, or https URL of one, to discover the cluster with instead of the token."),
        Opt::new("node_name", Kind::Str, "Name of the Node. Default is the host's name in lower case."),
        Opt::new("cri_socket", Kind::Str, "Socket of the container runtime.").default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("kubelet_extra_args", Kind::Dict, "Flags for the kubelet, without the leading dashes.").default("{}"),
        Opt::new("node_labels", Kind::Dict, "Labels the Node registers with.").default("{}"),
        Opt::new("node_taints", STR_LIST, "Taints the Node registers with, key=value:effect. Left out, kubeadm decides; an empty list means none."),
        Opt::new("ignore_preflight_errors", STR_LIST, "Preflight checks of kubeadm whose errors become warnings.").default("[]"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together, all attempts included.").default("300"),
        Opt::new("approval_timeout", Kind::Int, "Seconds the cluster, or a person, may take to approve the kubelet's certificate signing request, and again as many to issue the certificate, within timeout. More is wanted where nothing approves it automatically.")
            .default("90"),
        Opt::new("max_retries", Kind::Int, "How often the join may be tried again after the first attempt. The diagnosis decides whether it is.").default("3"),
        Opt::new("on_node_conflict", Kind::Str, "When a Ready Node of this name is in the cluster: wait until it is NotReady, or end at once so that it can be deleted (delete) or a human decides (fail).")
            .default("\"wait\"")
            .choices(&["wait", "delete", "fail"]),
        Opt::new("cleanup", Kind::Str, "The strongest cleanup allowed between attempts, where the diagnosis says that one helps. leftovers removes credentials of earlier joins; gentle and aggressive are those of aggressive_reset, without images and CNI configuration.")
            .default("\"aggressive\"")
            .choices(&["leftovers", "gentle", "aggressive"]),
        Opt::new("wait_ready", Kind::Int, "Seconds to wait for the Node to be Ready after the join. It often becomes so only when the network add-on is there.")
            .default("0"),
        Opt::new("preserve", Kind::List(&Kind::Path), "Directories that a cleanup must not change, as in aggressive_reset.")
            .default("[\"/srv/media\", \"/mnt/media\"]"),
        Opt::new("metrics_dir", Kind::Path, "Directory of node_exporter's textfile collector, to write the result, class and seconds into."),
        Opt::new("log_path", Kind::Path, "Directory for the logs of the attempts, kept 0600 and without secrets.").default("\"/var/log/kubejoin\""),
    ],
    rules: &[Rule::RequiredOneOf(&["control_plane_endpoint", "discovery_file"])],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// As given.
    pub control_plane_endpoint: Option<String>,
    /// A secret.
    pub token: Option<String>,
    /// `sha256:<hex>`.
    pub ca_cert_hashes: Vec<String>,
    /// Path or URL.
    pub discovery_file: Option<String>,
    /// The Node's name.
    pub node_name: Option<String>,
    /// `unix:///…`.
    pub cri_socket: String,
    /// Flag to value.
    pub kubelet_extra_args: Map<String, Value>,
    /// Label to value.
    pub node_labels: Map<String, Value>,
    /// `key=value:effect`.
    pub node_taints: Option<Vec<String>>,
    /// Names of checks.
    pub ignore_preflight_errors: Vec<String>,
    /// Seconds.
    pub timeout: i64,
    /// Seconds.
    pub approval_timeout: i64,
    /// Further attempts after the first.
    pub max_retries: i64,
    /// What a Ready Node of the same name leads to.
    pub on_node_conflict: OnConflict,
    /// The strongest cleanup.
    pub cleanup: Cleanup,
    /// Seconds.
    pub wait_ready: i64,
    /// What a cleanup must not change.
    pub preserve: Vec<String>,
    /// A directory.
    pub metrics_dir: Option<String>,
    /// A directory.
    pub log_path: String,
}

/// What a Ready Node of the same name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnConflict {
    /// Try until the cluster has noticed that the old machine is gone.
    Wait,
    /// End, so that the caller can have it deleted on the control plane.
    Delete,
    /// End.
    Fail,
}

/// How much a cleanup between attempts may take away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cleanup {
    /// What the failed attempt wrote.
    Leftovers,
    /// Kubernetes' own state on this node.
    Gentle,
    /// That, and the network's.
    Aggressive,
}

impl Args {
    /// Refuses what cannot be right, naming option, value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        if let Some(text) = &self.control_plane_endpoint {
            Endpoint::parse(text).with_context(|| format!("option control_plane_endpoint is {text:?}"))?;
        }
        if let Some(token) = &self.token {
            // Never the value itself: a failure's sentence is shown even under no_log.
            ensure!(
                is_token(token),
                "option token is not a bootstrap token: it must be six and sixteen lower-case letters or digits with a dot between"
            );
        }
        for hash in &self.ca_cert_hashes {
            let hex = hash.strip_prefix("sha256:").unwrap_or_default();
            ensure!(
                hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()),
                "option ca_cert_hashes has {hash:?}: it must be sha256: and 64 hexadecimal digits"
            );
        }
        if let Some(name) = &self.node_name {
            ensure!(is_dns_name(name), "option node_name is {name:?}: it must be a DNS name in lower case");
        }
        ensure!(
            self.cri_socket.starts_with("unix:///") || self.cri_socket.starts_with('/'),
            "option cri_socket is {:?}: it must be unix:// and an absolute path",
            self.cri_socket
        );
        ensure!(
            (10..=7200).contains(&self.timeout),
            "option timeout is {}: it must be 10 to 7200 seconds",
            self.timeout
        );
        ensure!(
            (5..=7200).contains(&self.approval_timeout),
            "option approval_timeout is {}: it must be 5 to 7200 seconds",
            self.approval_timeout
        );
        ensure!((0..=20).contains(&self.max_retries), "option max_retries is {}: it must be 0 to 20", self.max_retries);
        ensure!(
            (0..=3600).contains(&self.wait_ready),
            "option wait_ready is {}: it must be 0 to 3600 seconds",
            self.wait_ready
        );
        ensure!(self.log_path.starts_with('/'), "option log_path is {:?}: it must be an absolute path", self.log_path);
        for text in self.node_taints.iter().flatten() {
            ensure!(
                Taint::parse(text).is_some(),
                "option node_taints has {text:?}: it must be key=value:effect with NoSchedule, PreferNoSchedule or NoExecute"
            );
        }
        for (label, value) in &self.node_labels {
            ensure!(
                plain(value).is_some_and(|v| !v.contains([',', '='])) && !label.contains([',', '=']),
                "option node_labels has {label:?}: a label's name and value must be text without commas and equal signs"
            );
        }
        for (flag, value) in &self.kubelet_extra_args {
            ensure!(
                !flag.starts_with('-') && plain(value).is_some(),
                "option kubelet_extra_args has {flag:?}: a flag is written without dashes and its value is text"
            );
        }
        Ok(())
    }

    /// The time for everything.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }

    /// The time for a certificate to be approved, and to be issued.
    pub fn approval(&self) -> Duration {
        Duration::from_secs(self.approval_timeout.unsigned_abs())
    }

    /// The time for the Node to become Ready.
    pub fn patience(&self) -> Duration {
        Duration::from_secs(self.wait_ready.unsigned_abs())
    }

    /// Where the API server is, when that was said.
    pub fn endpoint(&self) -> Option<Endpoint> {
        self.control_plane_endpoint.as_deref().and_then(|text| Endpoint::parse(text).ok())
    }

    /// How the node is to discover the cluster; an error when what that needs is missing.
    pub fn discovery(&self) -> anyhow::Result<Discovery> {
        match (&self.discovery_file, self.endpoint(), &self.token) {
            (Some(path), _, token) => Ok(Discovery::File { path: path.clone(), token: token.clone() }),
            (None, Some(endpoint), Some(token)) => Ok(Discovery::Token {
                endpoint: endpoint.to_string(),
                token: token.clone(),
                ca_cert_hashes: self.ca_cert_hashes.clone(),
            }),
            _ => {
                anyhow::bail!("this node has to join, and option token is missing: take one from the module join_token")
            }
        }
    }

    /// The part of the JoinConfiguration that is about this node.
    pub fn registration(&self) -> NodeRegistration {
        let mut extra: Vec<(String, String)> =
            self.kubelet_extra_args.iter().filter_map(|(name, value)| Some((name.clone(), plain(value)?))).collect();
        if !self.node_labels.is_empty() {
            let labels: Vec<String> =
                self.node_labels.iter().filter_map(|(name, value)| Some(format!("{name}={}", plain(value)?))).collect();
            extra.retain(|(name, _)| name != "node-labels");
            extra.push(("node-labels".into(), labels.join(",")));
        }
        NodeRegistration {
            name: self.node_name.clone(),
            cri_socket: Some(self.cri_socket.clone()),
            kubelet_extra_args: extra,
            taints: self.node_taints.as_ref().map(|list| list.iter().filter_map(|text| Taint::parse(text)).collect()),
            ignore_preflight_errors: self.ignore_preflight_errors.clone(),
        }
    }
}

/// A scalar as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn is_token(text: &str) -> bool {
    let part =
        |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.split_once('.').is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
}

fn is_dns_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
#[path = "args_tests.rs"]
pub(crate) mod tests;
