//! The release of Kubernetes that is asked for.

use anyhow::Context as _;
use kubeadm::version::Version;
use std::fmt;

/// `1.36`, or `1.36.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// 36.
    pub minor: u32,
    /// 2, when that very one is meant.
    pub patch: Option<u32>,
}

impl Release {
    /// Reads `1.36`, `v1.36` or `1.36.2`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let number = |part: &str| -> Option<u32> {
            let plain = (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            if plain { part.parse().ok() } else { None }
        };
        let parts: Vec<&str> = text.strip_prefix('v').unwrap_or(text).split('.').collect();
        let read = match parts.as_slice() {
            ["1", minor] => number(minor).map(|minor| Release { minor, patch: None }),
            ["1", minor, patch] => {
                number(minor).zip(number(patch)).map(|(minor, patch)| Release { minor, patch: Some(patch) })
            }
            _ => None,
        };
        read.with_context(|| format!("{text:?} is not a release of Kubernetes"))
    }

    /// Whether this version is one of it.
    pub fn has(self, version: Version) -> bool {
        version.major == 1 && version.minor == self.minor && self.patch.is_none_or(|patch| version.patch == patch)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_two_or_three_numbers() {
        for (text, read) in [("1.36", "1.36"), ("v1.36.2", "1.36.2"), ("1.9.0", "1.9.0")] {
            assert_eq!(Release::parse(text).unwrap().to_string(), read);
        }
        for text in
            ["", "1", "2.0", "1.x", "1.36.", "1.36.2-1.1", "1.36.0-rc.1", "stable", "1.36.2.1", "1. 36", "1.+36"]
        {
            assert!(Release::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_minor_release_has_all_its_patches() {
        let version = Version::parse("1.36.2-1.1").unwrap();
        assert!(Release::parse("1.36").unwrap().has(version) && Release::parse("1.36.2").unwrap().has(version));
        assert!(!Release::parse("1.36.1").unwrap().has(version) && !Release::parse("1.3").unwrap().has(version));
    }
}
