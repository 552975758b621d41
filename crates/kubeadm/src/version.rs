//! Kubernetes versions, and which configuration API a kubeadm reads.
//!
//! Source: the support table of kubeadm's `apis/kubeadm/scheme`: v1beta2 up to 1.26, v1beta3 from 1.22, v1beta4 from 1.31.

use anyhow::Context as _;
use std::fmt;

/// A release, as in `v1.31.2`. What follows a `-` or `+` (`-rc.1`, `+k3s1`) is left away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Always 1 so far.
    pub major: u32,
    /// What people call the release: 31 in v1.31.2.
    pub minor: u32,
    /// The patch release.
    pub patch: u32,
}

/// A version of kubeadm's configuration API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Up to 1.21 the newest.
    V1Beta2,
    /// From 1.22.
    V1Beta3,
    /// From 1.31: extra arguments are lists, time-outs have a section of their own.
    V1Beta4,
}

/// For a kubeadm that does not tell its version.
pub const NEWEST_API: Api = Api::V1Beta4;

impl Api {
    /// The value of `apiVersion`.
    pub fn name(self) -> &'static str {
        match self {
            Api::V1Beta2 => "kubeadm.k8s.io/v1beta2",
            Api::V1Beta3 => "kubeadm.k8s.io/v1beta3",
            Api::V1Beta4 => "kubeadm.k8s.io/v1beta4",
        }
    }
}

impl Version {
    /// Reads the first version in a text: `v1.31.2`, `Kubernetes v1.31.2`, `1.31`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        text.split_whitespace()
            .find_map(|word| {
                let plain = word.trim_start_matches('v').split(['-', '+']).next()?;
                let mut parts = plain.split('.').map(str::parse::<u32>);
                let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
                let patch = parts.next().unwrap_or(Ok(0)).ok()?;
                Some(Version { major, minor, patch })
            })
            .with_context(|| format!("reading a Kubernetes version from {:?}", text.trim()))
    }

    /// The newest configuration API this kubeadm reads.
    pub fn api(self) -> Api {
        match (self.major, self.minor) {
            (1, ..=21) => Api::V1Beta2,
            (1, 22..=30) => Api::V1Beta3,
            _ => Api::V1Beta4,
        }
    }

    /// How many minor releases this one is ahead of the other; negative when behind.
    pub fn minors_ahead_of(self, other: Version) -> i64 {
        i64::from(self.minor) - i64::from(other.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_however_they_are_printed() {
        for text in ["v1.31.2\n", "Kubernetes v1.31.2", "1.31.2-00", "v1.31.2+k3s1", "v1.31.2-rc.0.12+a9b"] {
            assert_eq!(Version::parse(text).unwrap().to_string(), "v1.31.2", "{text}");
        }
        assert_eq!(Version::parse("1.31").unwrap().to_string(), "v1.31.0");
        assert!(Version::parse("not a version").is_err());
    }

    #[test]
    fn each_release_gets_the_newest_api_it_reads() {
        for (text, api) in [
            ("v1.21.0", Api::V1Beta2),
            ("v1.22.6", Api::V1Beta3),
            ("v1.30.9", Api::V1Beta3),
            ("v1.31.0", Api::V1Beta4),
            ("v1.36.1", Api::V1Beta4),
        ] {
            assert_eq!(Version::parse(text).unwrap().api(), api, "{text}");
        }
    }

    #[test]
    fn releases_are_compared_as_numbers() {
        assert!(Version::parse("v1.9.0").unwrap() < Version::parse("v1.10.0").unwrap());
    }
}
