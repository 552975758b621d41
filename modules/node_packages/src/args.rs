//! The options.

use crate::address::{self, Key};
use crate::release::Release;
use ansible::{Kind, Opt, Spec};
use anyhow::{Context as _, ensure};
use kubeadm::version::Version;
use serde::Deserialize;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "node_packages",
    summary: "A machine has what a Kubernetes node needs, of one version, from repositories that are trusted",
    options: &[
        Opt::new(
            "kubernetes_version",
            Kind::Str,
            "Release of kubeadm, kubelet and kubectl, such as V(1.36), or V(1.36.2) for that very one. Without it nothing is installed, and what is missing is named.",
        ),
        Opt::new(
            "containerd",
            Kind::Str,
            "Where containerd comes from when the machine has none. V(distribution) is its own package, V(repository) is C(containerd.io) of O(containerd_repository), V(present) installs none and wants one that is there.",
        )
        .default("\"distribution\"")
        .choices(&["distribution", "repository", "present"]),
        Opt::new(
            "kubernetes_repository",
            Kind::Str,
            "Repository of Kubernetes, laid out as pkgs.k8s.io is: the address above C(core:/stable:), or one that ends with C(stable) and has a folder per release, or the folder of the packages itself (C(.../deb/)). C(http://), C(https://) or C(file:///).",
        )
        .default("\"https://pkgs.k8s.io\""),
        Opt::new(
            "kubernetes_key",
            Kind::Str,
            "The key which that repository is signed with: an address, an absolute path on the machine, or the key as text. Default is C(Release.key) of the repository.",
        ),
        Opt::new(
            "containerd_repository",
            Kind::Str,
            "Repository that has C(containerd.io): C(ADDRESS), or C(ADDRESS SUITE COMPONENT...). Without a suite it is the distribution's code name, with the component C(stable).",
        ),
        Opt::new(
            "containerd_key",
            Kind::Str,
            "The key which that repository is signed with, given as O(kubernetes_key) is.",
        ),
        Opt::new("packages", Kind::List(&Kind::Str), "Further packages that are to be installed.").default("[]"),
        Opt::new("hold", Kind::Bool, "Whether kubeadm, kubelet and kubectl, and containerd.io, are held back from upgrades.")
            .default("true"),
        Opt::new(
            "state",
            Kind::Str,
            "V(absent) removes kubeadm, kubelet, kubectl, crictl and the repository's CNI plugins from a machine that is in no cluster; containerd stays.",
        )
        .default("\"present\"")
        .choices(&["present", "absent"]),
        Opt::new("allow_downgrade", Kind::Bool, "Whether an older version than the one that is installed may be put in its place.")
            .default("false"),
        Opt::new(
            "cluster_version",
            Kind::Str,
            "Version of the control plane of the cluster that the machine is for. What cannot join it is refused before anything is fetched.",
        ),
        Opt::new("required", Kind::Bool, "Whether a machine that would still lack kubeadm, kubelet or containerd is a failure, instead of a warning.")
            .default("false"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together, waiting for another package manager included.")
            .default("900"),
    ],
    rules: &[ansible::Rule::RequiredIf("containerd", "repository", &["containerd_repository", "containerd_key"])],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// As given.
    pub kubernetes_version: Option<String>,
    /// Where containerd comes from.
    pub containerd: Containerd,
    /// An address.
    pub kubernetes_repository: String,
    /// An address, a path or a key.
    pub kubernetes_key: Option<String>,
    /// An address, maybe with suite and components.
    pub containerd_repository: Option<String>,
    /// An address, a path or a key.
    pub containerd_key: Option<String>,
    /// Names.
    pub packages: Vec<String>,
    /// Whether upgrades leave them alone.
    pub hold: bool,
    /// What is wanted.
    pub state: State,
    /// Whether versions may go back.
    pub allow_downgrade: bool,
    /// `v1.36.2`.
    pub cluster_version: Option<String>,
    /// Whether it fails for what is still lacking.
    pub required: bool,
    /// Seconds.
    pub timeout: i64,
}

/// Where containerd comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Containerd {
    /// The distribution's package.
    Distribution,
    /// containerd.io.
    Repository,
    /// It is there.
    Present,
}

/// There or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Installed.
    Present,
    /// Not installed.
    Absent,
}

impl Args {
    /// Refuses what cannot be meant.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.release()?;
        self.cluster()?;
        address::check(&self.kubernetes_repository)
            .with_context(|| format!("option kubernetes_repository is {:?}", self.kubernetes_repository))?;
        for (name, key) in [("kubernetes_key", &self.kubernetes_key), ("containerd_key", &self.containerd_key)] {
            key.as_deref().map(Key::read).transpose().with_context(|| format!("option {name}"))?;
        }
        if let Some(text) = &self.containerd_repository {
            address::check(text.split_whitespace().next().unwrap_or_default())
                .with_context(|| format!("option containerd_repository is {text:?}"))?;
        }
        for name in &self.packages {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.:".contains(c);
            ensure!(
                name.starts_with(|c: char| c.is_ascii_alphanumeric())
                    && name.chars().all(plain)
                    && !name.ends_with(['+', '-']),
                "option packages has {name:?}: it must be the name of a package, such as nfs-common"
            );
        }
        ensure!(
            (10..=7200).contains(&self.timeout),
            "option timeout is {}: it must be 10 to 7200 seconds",
            self.timeout
        );
        Ok(())
    }

    /// The release asked for, if any.
    pub fn release(&self) -> anyhow::Result<Option<Release>> {
        let Some(text) = self.kubernetes_version.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        Release::parse(text).map(Some).with_context(|| {
            format!(
                "option kubernetes_version is {text:?}: it must be a release such as 1.36, or a version such as 1.36.2"
            )
        })
    }

    /// The control plane's version, when it is known.
    pub fn cluster(&self) -> anyhow::Result<Option<Version>> {
        let Some(text) = self.cluster_version.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        Version::parse(text)
            .map(Some)
            .with_context(|| format!("option cluster_version is {text:?}: it must be a version such as 1.36.2"))
    }

    /// The time for everything.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}
