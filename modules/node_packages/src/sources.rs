//! Sources of packages: which of them are for Kubernetes and cannot stay on beside ours, whatever they are written in.

use std::path::PathBuf;

/// Above what was switched off.
pub const NOTE: &str = "# Switched off by kubejoin (node_packages):";

/// A file of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// Why a source does not stay on beside ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// Nothing is served there since March 2024.
    Gone,
    /// Another release of the repository.
    Release(String),
    /// The same folder: apt refuses one that has two keys.
    Same,
}

/// A source that is switched off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    /// Its address.
    pub address: String,
    /// Why.
    pub why: Why,
}

/// Whether this source is one of Kubernetes that cannot stay on.
pub fn unwanted(address: &str, suite: &str, folder: &str) -> Option<Off> {
    let plain = address.trim_end_matches('/');
    let google = plain.contains("packages.cloud.google.com/apt") && suite.starts_with("kubernetes-")
        || plain.contains("packages.cloud.google.com/yum/repos/kubernetes");
    let release = plain.rsplit('/').nth(1).filter(|part| {
        let minor = part.strip_prefix("v1.").unwrap_or_default();
        (plain.ends_with("/deb") || plain.ends_with("/rpm"))
            && !minor.is_empty()
            && minor.bytes().all(|b| b.is_ascii_digit())
    });
    let why = match release {
        _ if google || plain.contains("//apt.kubernetes.io") => Why::Gone,
        _ if plain == folder.trim_end_matches('/') => Why::Same,
        Some(release) => Why::Release(release.trim_start_matches('v').to_owned()),
        None => return None,
    };
    Some(Off { address: address.to_owned(), why })
}
