//! From what was seen to what is wrong. Pure: every rule can be tried on made-up facts.

mod cni;
mod kubelet;
mod machine;
mod network;
mod others;
mod runtime;
mod storage;
mod system_pods;

pub(crate) use storage::size;

use crate::finding::{Finding, ordered};
use crate::observe::Facts;

/// All findings, in the order of causes.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    storage::judge(facts, &mut found);
    machine::judge(facts, &mut found);
    runtime::judge(facts, &mut found);
    cni::judge(facts, &mut found);
    kubelet::judge(facts, &mut found);
    network::judge(facts, &mut found);
    system_pods::judge(facts, &mut found);
    others::judge(facts, &mut found);
    ordered(found)
}

#[cfg(test)]
mod tests;
