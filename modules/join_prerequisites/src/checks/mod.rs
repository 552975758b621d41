//! The checks: facts in, a verdict with found, wanted and the way to mend it out. All pure.

mod kernel;
mod kubernetes;
mod machine;
mod network;
mod runtime;

use crate::args::Args;
use crate::fix::Fix;
use crate::observe::Facts;
use serde::Serialize;

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// The join can succeed, and something is not well.
    Warn,
    /// The join will not succeed.
    Fail,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// The verdict.
    pub status: Status,
    /// What there is.
    pub found: String,
    /// What there should be.
    pub wanted: String,
    /// How to get there; empty when all is well.
    pub mend: String,
    /// What `fix` does about it.
    #[serde(skip)]
    pub fix: Option<Fix>,
}

impl Check {
    /// All is well.
    fn ok(name: &'static str, found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Check { name, status: Status::Ok, found: found.into(), wanted: wanted.into(), mend: String::new(), fix: None }
    }

    /// Not as it should be.
    fn bad(
        name: &'static str,
        status: Status,
        found: impl Into<String>,
        wanted: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Check { name, status, found: found.into(), wanted: wanted.into(), mend: mend.into(), fix: None }
    }

    /// `fix` mends it.
    fn with(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }
}

/// Every check that the facts allow, in the order in which a person would mend things.
pub fn all(args: &Args, facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    checks.extend(machine::checks(facts));
    checks.extend(kernel::checks(facts));
    checks.extend(kubernetes::checks(args, facts));
    checks.extend(runtime::checks(facts));
    checks.extend(network::checks(args, facts));
    checks
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The check of that name; it must be there.
    pub(crate) fn named<'a>(checks: &'a [Check], name: &str) -> &'a Check {
        checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
    }

    pub(crate) fn args() -> Args {
        Args {
            control_plane_endpoint: None,
            ca_cert_hashes: vec![],
            token_id: None,
            control_plane_version: None,
            cri_socket: "unix:///run/containerd/containerd.sock".into(),
            node_name: None,
            fix: false,
            fail_on: crate::args::FailOn::Fail,
        }
    }

    #[test]
    fn a_good_node_has_nothing_to_complain_of() {
        let checks = all(&args(), &Facts::good());
        let bad: Vec<_> = checks.iter().filter(|check| check.status != Status::Ok).collect();
        assert!(bad.is_empty(), "{bad:?}");
        assert!(checks.len() >= 20, "{}", checks.len());
    }

    #[test]
    fn what_is_not_well_says_how_to_mend_it_and_what_is_well_does_not() {
        let checks = all(&args(), &Facts::default());
        assert!(checks.iter().any(|check| check.status == Status::Fail));
        for check in checks {
            assert_eq!(check.mend.is_empty(), check.status == Status::Ok, "{check:?}");
            assert!(!check.found.is_empty() && !check.wanted.is_empty(), "{check:?}");
        }
    }

    proptest! {
        #[test]
        fn more_memory_never_makes_it_worse(a in 0u64..64_000_000, b in 0u64..64_000_000) {
            let rank = |memory_kb| {
                let facts = Facts { memory_kb, ..Facts::good() };
                named(&all(&args(), &facts), "memory").status as u8
            };
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(rank(more) <= rank(less));
        }
    }
}
