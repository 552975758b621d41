//! Another distribution of Kubernetes on the machine: told before anything else, and nothing of it is called left over.

use crate::finding::Finding;
use crate::observe::Facts;
use node::code::Code;

/// What would be a remainder of this cluster's, and may as well be in use by the other one.
const REMAINDERS: [Code; 7] = [
    Code::NetworkLeftBehind,
    Code::MountsLeftBehind,
    Code::CniConfigLeftover,
    Code::CniPlaceholderLeft,
    Code::LeasesStale,
    Code::AddressesExhausted,
    Code::IptablesBackendsMixed,
];

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    if facts.distributions.is_empty() {
        return;
    }
    found.retain(|finding| !REMAINDERS.contains(&finding.kind.code));
    for active in &facts.distributions {
        let signs = active.signs.iter().map(|sign| format!("{}: {sign}", active.distribution));
        found.push(Finding::new(Code::OtherDistribution, signs));
    }
}
