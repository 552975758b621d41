//! The checks: facts in, a verdict with found, wanted and the way to mend it out. All pure.

mod kernel;
mod kubernetes;
mod machine;
mod network;
mod runtime;
mod way;

use crate::fix::Fix;
use crate::observe::Facts;
use crate::planned::{PlannedJoin, Scope, Swap};
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
pub fn all(join: &PlannedJoin, facts: &Facts) -> Vec<Check> {
    let mut checks = Vec::new();
    if join.scope == Scope::Kernel {
        checks.extend(kernel::checks(facts));
        checks.push(kernel::boot(facts));
        checks.extend(facts.ipv6.as_ref().map(kernel::ipv6));
        checks.extend((join.swap == Swap::Off).then(|| machine::swap_off(facts)));
        return checks;
    }
    checks.extend(machine::checks(facts));
    if join.swap == Swap::Off {
        checks.retain(|check| check.name != "swap");
        checks.push(machine::swap_off(facts));
    }
    checks.extend(kernel::checks(facts));
    checks.extend(facts.ipv6.as_ref().map(kernel::ipv6));
    checks.extend(kubernetes::checks(join, facts));
    checks.extend(runtime::checks(facts));
    checks.extend(network::checks(join, facts));
    checks.extend(way::checks(join, facts));
    checks
}

/// What mends what is not well, each once.
pub fn fixes<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Vec<Fix> {
    let mut fixes: Vec<Fix> = Vec::new();
    for fix in checks.into_iter().filter_map(|check| check.fix) {
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    fixes
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The check of that name; it must be there.
    pub(crate) fn named<'a>(checks: &'a [Check], name: &str) -> &'a Check {
        checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no check {name}"))
    }

    pub(crate) fn join() -> PlannedJoin {
        PlannedJoin {
            control_plane_endpoint: None,
            ca_cert_hashes: vec![],
            token_id: None,
            control_plane_version: None,
            cri_socket: "unix:///run/containerd/containerd.sock".into(),
            node_name: None,
            scope: Scope::All,
            swap: Swap::Keep,
            pod_cidrs: vec![],
            ask_cluster: true,
        }
    }

    #[test]
    fn a_good_node_has_nothing_to_complain_of() {
        let checks = all(&join(), &Facts::good());
        let bad: Vec<_> = checks.iter().filter(|check| check.status != Status::Ok).collect();
        assert!(bad.is_empty(), "{bad:?}");
        assert!(checks.len() >= 20, "{}", checks.len());
    }

    #[test]
    fn what_is_not_well_says_how_to_mend_it_and_what_is_well_does_not() {
        let checks = all(&join(), &Facts::default());
        assert!(checks.iter().any(|check| check.status == Status::Fail));
        for check in checks {
            assert_eq!(check.mend.is_empty(), check.status == Status::Ok, "{check:?}");
            assert!(!check.found.is_empty() && !check.wanted.is_empty(), "{check:?}");
        }
    }

    /// What each remedy is there for, once it has worked.
    fn mended(fixes: &[Fix], mut facts: Facts) -> Facts {
        let good = Facts::good();
        for fix in fixes {
            match fix {
                Fix::Kernel if facts.modules_can_load => {
                    (facts.missing_modules, facts.bridge_nf, facts.ip_forward) = (vec![], Some(true), Some(true));
                }
                // What is no module of its own can be set all the same.
                Fix::Kernel => {
                    (facts.bridge_nf, facts.ip_forward) = (facts.bridge_nf.map(|_| true), Some(true));
                }
                Fix::Ipv6 => facts.ipv6 = None,
                Fix::Swap => (facts.swaps, facts.swap_at_boot) = (vec![], vec![]),
                Fix::Inotify => facts.inotify = good.inotify,
                Fix::DropIn => facts.has_kubeconfig = true,
                Fix::Runtime => facts.runtime = good.runtime.clone(),
            }
        }
        facts
    }

    proptest! {
        #[test]
        fn what_was_mended_leaves_nothing_to_mend(
            [missing, loadable, forward, has_kubeconfig, answers] in any::<[bool; 5]>(),
            bridge_nf in proptest::option::of(any::<bool>()),
            inotify in (0u64..2000, 0u64..600_000),
            minor in 22u64..37,
        ) {
            let good = Facts::good();
            let facts = Facts {
                missing_modules: if missing { vec!["br_netfilter"] } else { vec![] },
                modules_can_load: loadable,
                ip_forward: Some(forward),
                has_kubeconfig,
                runtime: if answers { good.runtime.clone() } else { Err("connection refused".into()) },
                bridge_nf,
                inotify,
                kubelet: kubeadm::version::Version::parse(&format!("v1.{minor}.0")).ok(),
                ..good
            };
            let wanted = fixes(&all(&join(), &facts));
            let after = fixes(&all(&join(), &mended(&wanted, facts)));
            prop_assert!(after.is_empty(), "{after:?} after {wanted:?}");
        }

        #[test]
        fn more_memory_never_makes_it_worse(a in 0u64..64_000_000, b in 0u64..64_000_000) {
            let rank = |memory_kb| {
                let facts = Facts { memory_kb, ..Facts::good() };
                named(&all(&join(), &facts), "memory").status as u8
            };
            let (less, more) = (a.min(b), a.max(b));
            prop_assert!(rank(more) <= rank(less));
        }
    }
}
