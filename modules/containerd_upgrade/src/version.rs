//! A version of containerd to the last number, which decides what is newer.

use node::containerd::release::Release;
use serde::{Deserialize, Serialize};
use std::fmt;

/// `1.6.20`, and how the program itself spells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Major, minor and patch.
    pub numbers: (u32, u32, u32),
    /// `1.6.20~ds1`.
    pub text: String,
}

impl Version {
    /// Reads `1.6.20~ds1`, `v2.1.4` or `2.1.9+unknown`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.trim().trim_start_matches('v').split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next()?.parse().ok();
        Some(Version { numbers: (next()?, next()?, next()?), text: text.trim().to_owned() })
    }

    /// Reads what `containerd --version` prints: `containerd github.com/containerd/containerd 1.6.20~ds1 ...`.
    pub fn of_containerd(said: &str) -> Option<Self> {
        Version::parse(said.split_whitespace().nth(2)?)
    }

    /// Reads what `runc --version` prints: `runc version 1.1.5+ds1`.
    pub fn of_runc(said: &str) -> Option<Self> {
        Version::parse(said.lines().next()?.strip_prefix("runc version ")?)
    }

    /// As far as the configuration depends on it.
    pub fn release(&self) -> Release {
        Release { major: self.numbers.0, minor: self.numbers.1 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_programs_print_is_read() {
        let debian = "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3";
        let forky = "containerd github.com/containerd/containerd/v2 2.1.9+unknown ";
        let (old, new) = (Version::of_containerd(debian).unwrap(), Version::of_containerd(forky).unwrap());
        assert_eq!((old.numbers, new.numbers), ((1, 6, 20), (2, 1, 9)));
        assert_eq!(Version::of_runc("runc version 1.1.5+ds1\ncommit: x").unwrap().numbers, (1, 1, 5));
        assert!(Version::of_containerd("bash: no").is_none() && Version::parse("2.1").is_none());
    }
}
