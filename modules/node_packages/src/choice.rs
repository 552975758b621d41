//! Which versions are taken of what the sources have. Pure.

use crate::args::{Args, Containerd};
use crate::machine::{KUBERNETES, Machine};
use crate::need::Need;
use crate::release::Release;
use crate::repository::Repository;
use crate::runtime;
use crate::transaction::{Offered, Wanted};
use anyhow::{Context as _, bail, ensure};
use kubeadm::version::Version;
use node::containerd::release::Release as Runtime;
use std::collections::BTreeMap;

/// What is to be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Names, each with the version that it must be.
    pub packages: Vec<Wanted>,
    /// The version of Kubernetes, when it is among them.
    pub kubernetes: Option<Version>,
    /// Whether versions may go back.
    pub downgrade: bool,
    /// What a person ought to know.
    pub advice: Vec<String>,
}

impl Choice {
    /// The names.
    pub fn names(&self) -> Vec<&str> {
        self.packages.iter().map(|(name, _)| name.as_str()).collect()
    }
}

/// Chooses, or says what there is instead.
pub fn choose(
    args: &Args,
    machine: &Machine,
    release: Release,
    need: &Need,
    all: &BTreeMap<String, Vec<Offered>>,
    kubernetes: &Repository,
) -> anyhow::Result<Choice> {
    let mut choice = Choice { downgrade: args.allow_downgrade, ..Choice::default() };
    let there = |name: &str| all.get(name).is_some_and(|versions| !versions.is_empty());
    if !need.kubernetes.is_empty() {
        let version = version(args, machine, release, all, kubernetes)?;
        choice.kubernetes = Version::parse(&version).ok();
        choice.packages.extend(need.kubernetes.iter().map(|name| ((*name).to_owned(), Some(version.clone()))));
    }
    if need.crictl && there("cri-tools") {
        choice.packages.push(("cri-tools".into(), None));
    }
    if need.plugins {
        let plugins = ["kubernetes-cni", "containernetworking-plugins"].into_iter().find(|name| there(name));
        let plugins = plugins.context("no source has CNI plugins (kubernetes-cni or containernetworking-plugins)")?;
        choice.packages.push((plugins.into(), None));
    }
    if need.containerd {
        choice.packages.push((containerd(args, release, all)?, None));
    }
    for name in &need.packages {
        ensure!(there(name), "no source of this machine has the package {name}");
        choice.packages.push((name.clone(), None));
    }
    let runtime = machine.containerd.or_else(|| candidate(all, "containerd").or(candidate(all, "containerd.io")));
    choice.advice.extend(runtime.and_then(|there| runtime::advice(release.minor, there)));
    Ok(choice)
}

/// The newest version of the release that all three are there of.
fn version(
    args: &Args,
    machine: &Machine,
    release: Release,
    all: &BTreeMap<String, Vec<Offered>>,
    repository: &Repository,
) -> anyhow::Result<String> {
    let folder = repository.address.trim_end_matches('/');
    let of = |name: &str| -> Vec<&str> {
        let versions = all.get(name).map(Vec::as_slice).unwrap_or_default();
        versions
            .iter()
            .filter(|offered| offered.source.starts_with(folder))
            .map(|offered| offered.version.as_str())
            .collect()
    };
    let others = [of(KUBERNETES[1]), of(KUBERNETES[2])];
    let whole: Vec<&str> = of(KUBERNETES[0])
        .into_iter()
        // A candidate of a release (1.36.0~rc.1) is not one.
        .filter(|version| !version.contains('~') && others.iter().all(|other| other.contains(version)))
        .collect();
    let fitting = whole.iter().filter(|version| Version::parse(version).is_ok_and(|version| release.has(version)));
    let newest = fitting.max_by_key(|version| Version::parse(version).ok());
    let Some(newest) = newest else {
        let mut there: Vec<Version> = whole.iter().filter_map(|version| Version::parse(version).ok()).collect();
        there.sort();
        there.dedup();
        let names: Vec<String> =
            there.iter().map(|version| version.to_string().trim_start_matches('v').to_owned()).collect();
        let has = if names.is_empty() { "none with kubeadm, kubelet and kubectl".to_owned() } else { names.join(", ") };
        bail!(
            "option kubernetes_version is {release}: the repository {} does not have it; of 1.{} it has {has}",
            repository.address,
            release.minor
        );
    };
    let installed = KUBERNETES.iter().filter_map(|name| machine.version(name)).max();
    let chosen = Version::parse(newest)?;
    if let Some(there) = installed.filter(|there| *there > chosen && !args.allow_downgrade) {
        bail!(
            "option kubernetes_version is {release}, the newest of it is {chosen}, and this machine has {there}: going back to an older version wants allow_downgrade"
        );
    }
    Ok((*newest).to_owned())
}

/// The package of containerd, when one is new enough.
fn containerd(args: &Args, release: Release, all: &BTreeMap<String, Vec<Offered>>) -> anyhow::Result<String> {
    let name = if args.containerd == Containerd::Repository { "containerd.io" } else { "containerd" };
    let option = if args.containerd == Containerd::Repository { "repository" } else { "distribution" };
    let there = candidate(all, name)
        .with_context(|| format!("option containerd is {option}: no source of this machine has the package {name}"))?;
    if let Err(why) = runtime::fits(release.minor, there) {
        bail!(
            "option containerd is {option}, whose {name} is {}.{}, too old for Kubernetes 1.{}: {why}; {}",
            there.major,
            there.minor,
            release.minor,
            newer(release, all)
        );
    }
    Ok(name.into())
}

/// Sources that have one that is new enough.
fn newer(release: Release, all: &BTreeMap<String, Vec<Offered>>) -> String {
    let least = runtime::wanted(release.minor);
    let both = ["containerd", "containerd.io"]
        .into_iter()
        .flat_map(|name| all.get(name).into_iter().flatten().map(move |offered| (name, offered)));
    let fitting: Vec<String> = both
        .filter(|(_, offered)| Runtime::parse(&offered.version) >= least)
        .map(|(name, offered)| format!("{name} {} of {}", offered.version, offered.source))
        .collect();
    let named = if fitting.is_empty() {
        "no source of this machine has a newer one".to_owned()
    } else {
        format!("there is {}", fitting.join(", "))
    };
    format!(
        "{named}; containerd's makers have one for every distribution: containerd=repository, with containerd_repository and containerd_key"
    )
}

/// The newest that apt would take; it lists the highest version first.
fn candidate(all: &BTreeMap<String, Vec<Offered>>, name: &str) -> Option<Runtime> {
    Runtime::parse(&all.get(name)?.first()?.version)
}

#[cfg(test)]
#[path = "choice_tests.rs"]
mod tests;
