//! Another distribution of Kubernetes on the machine: told before anything else, and nothing of it is called left over.

use crate::finding::Finding;
use crate::observe::Facts;

/// What would be a remainder of this cluster's, and may as well be in use by the other one.
const REMAINDERS: [&str; 7] = [
    "network_left_behind",
    "mounts_left_behind",
    "cni_config_leftover",
    "cni_placeholder_left",
    "leases_stale",
    "addresses_exhausted",
    "iptables_backends_mixed",
];

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    if facts.distributions.is_empty() {
        return;
    }
    found.retain(|finding| !REMAINDERS.contains(&finding.kind.code));
    for active in &facts.distributions {
        let signs = active.signs.iter().map(|sign| format!("{}: {sign}", active.distribution));
        found.push(Finding::new("other_distribution", signs));
    }
}
