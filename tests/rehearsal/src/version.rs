//! Which Kubernetes version the stand-in claims to be; nothing else knows where that is written down.

use std::fmt;

/// The file that overrides the claimed version, on a node.
pub const FILE: &str = "/etc/kubernetes-rehearsal.version";
const DEFAULT: Version = Version { major: 1, minor: 22, patch: 6 };

/// A Kubernetes version, shown as `v1.22.6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// always 1
    pub major: u32,
    /// the minor version, which decides wordings
    pub minor: u32,
    /// the patch level
    pub patch: u32,
}

impl Version {
    /// Reads `v1.22.6` or `1.22.6` (a missing patch is 0).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches('v');
        let mut parts = text.split(['.', '-', '+']).map(|part| part.parse().ok());
        Some(Self { major: parts.next()??, minor: parts.next()??, patch: parts.next().flatten().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "v{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The version claimed: env `REHEARSAL_VERSION`, then [`FILE`], then v1.22.6 (the version recorded).
pub fn claimed() -> Version {
    std::env::var("REHEARSAL_VERSION")
        .ok()
        .or_else(|| std::fs::read_to_string(FILE).ok())
        .and_then(|text| Version::parse(&text))
        .unwrap_or(DEFAULT)
}

/// Whether the claimed version is 1.`minor` or newer.
pub fn at_least(minor: u32) -> bool {
    claimed().minor >= minor
}

/// The registry kubeadm of the claimed version pulls from (moved in 1.25).
pub fn registry() -> &'static str {
    if at_least(25) { "registry.k8s.io" } else { "k8s.gcr.io" }
}

/// The pause image tag kubeadm of the claimed version asks for.
pub fn pause_image() -> String {
    let tag = match claimed().minor {
        ..=22 => "3.5",
        23 | 24 => "3.6",
        25 => "3.8",
        26..=31 => "3.9",
        32 | 33 => "3.10",
        _ => "3.10.1",
    };
    format!("{}/pause:{tag}", registry())
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn a_version_is_read_with_and_without_its_v() {
        assert_eq!(Version::parse("v1.34.1\n"), Some(Version { major: 1, minor: 34, patch: 1 }));
        assert_eq!(Version::parse("1.22"), Some(Version { major: 1, minor: 22, patch: 0 }));
        assert_eq!(Version::parse("nonsense"), None);
    }
}
