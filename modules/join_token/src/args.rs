//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::{Context as _, ensure};
use kubeadm::config::parse_duration;
use serde::Deserialize;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "join_token",
    summary: "A short-lived bootstrap token and the parameters of a join",
    options: &[
        Opt::new(
            "state",
            Kind::Str,
            "present gives a token that is valid; absent deletes the tokens with this description; ca gives what identifies the \
             cluster, its address and the hash of its CA, and looks at no token.",
        )
        .default("\"present\"")
        .choices(&["present", "absent", "ca"]),
        Opt::new("ttl", Kind::Str, "How long a new token is valid, such as 30m or 2h.").default("\"30m\""),
        Opt::new("reuse", Kind::Bool, "Give back a token made by an earlier run when it is valid long enough.")
            .default("true"),
        Opt::new("min_left", Kind::Str, "How long a token must still be valid to be given back again.")
            .default("\"10m\""),
        Opt::new("description", Kind::Str, "Written on the token, and what tells ours from others'.")
            .default("\"kubejoin\""),
        Opt::new("kubeconfig", Kind::Path, "The administrator's kubeconfig.").default("\"/etc/kubernetes/admin.conf\""),
        Opt::new("ca_cert", Kind::Path, "The cluster's CA certificate.").default("\"/etc/kubernetes/pki/ca.crt\""),
        Opt::new(
            "control_plane_endpoint",
            Kind::Str,
            "Address of the API server that is given to workers. Default is that of the kubeconfig.",
        ),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// Wanted or not.
    pub state: State,
    /// A duration.
    pub ttl: String,
    /// Whether an earlier token will do.
    pub reuse: bool,
    /// A duration.
    pub min_left: String,
    /// What tells ours from others'.
    pub description: String,
    /// A path.
    pub kubeconfig: String,
    /// A path.
    pub ca_cert: String,
    /// `host:port`.
    pub control_plane_endpoint: Option<String>,
}

/// Wanted or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There is a valid one.
    Present,
    /// There is none of ours.
    Absent,
    /// No token is looked at: only what identifies the cluster.
    Ca,
}

/// The durations, read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long a new token is valid.
    pub ttl: Duration,
    /// How long an old one must still be valid.
    pub min_left: Duration,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.limits().map(drop)
    }

    /// The durations; refuses every option that cannot be right.
    pub fn limits(&self) -> anyhow::Result<Limits> {
        let read = |name: &str, text: &str| {
            parse_duration(text)
                .with_context(|| format!("option {name} is {text:?}: it must be a duration such as 30m or 1h30m"))
        };
        let limits = Limits { ttl: read("ttl", &self.ttl)?, min_left: read("min_left", &self.min_left)? };
        ensure!(
            (Duration::from_secs(60)..=Duration::from_secs(7 * 86_400)).contains(&limits.ttl),
            "option ttl is {:?}: it must be 1m to 168h",
            self.ttl
        );
        ensure!(
            limits.min_left < limits.ttl,
            "option min_left is {:?}: it must be less than ttl, {:?}",
            self.min_left,
            self.ttl
        );
        let plain = |c: char| c.is_ascii_alphanumeric() || " -_.".contains(c);
        ensure!(
            !self.description.is_empty() && !self.description.starts_with('-') && self.description.chars().all(plain),
            "option description is {:?}: it must be letters, digits, spaces and -_.",
            self.description
        );
        if let Some(text) = &self.control_plane_endpoint {
            kubeadm::endpoint::Endpoint::parse(text)
                .with_context(|| format!("option control_plane_endpoint is {text:?}"))?;
        }
        Ok(limits)
    }
}
