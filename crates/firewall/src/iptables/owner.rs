//! Which chains are Kubernetes', and which rules lead into them. Pure: a table in, a [`Claim`] out.
//!
//! A chain is owned by its *name's beginning*, never by a substring: `KUBE-` (kube-proxy, kubelet, kube-router), `CNI-`
//! (portmap, bridge with ipMasq, firewall), `FLANNEL-` (flanneld since 0.21), `cali-` (Calico), `CILIUM_` (Cilium); a
//! comment that mentions KUBE- says nothing. In other people's chains exactly the rules that jump into an owned chain go.
//!
//! CNI plugins serve podman (before netavark) and nerdctl too, with the same chain names. Their chains carry the
//! network's name in a comment, so a chain of a foreign network is *held*, with the shared chains it needs:
//! `CNI-HOSTPORT-*` is one set for all networks. `CNI-ADMIN` is where the firewall plugin asks administrators to put
//! their own rules (containernetworking/plugins, plugins/meta/firewall): with rules in it, it is theirs.

use std::collections::BTreeSet;

use super::save::{Rule, Table};
use super::words;
use host::cidr::Cidr;

const OWNED_PREFIXES: [&str; 5] = ["KUBE-", "CNI-", "FLANNEL-", "cali-", "CILIUM_"];
/// Chains of the CNI plugins that exist once for all networks.
const SHARED: [&str; 3] = [HOSTPORT, "CNI-FORWARD", "CNI-ISOLATION-"];
const HOSTPORT: &str = "CNI-HOSTPORT-";
/// Bridges that podman (before netavark) and nerdctl make.
const FOREIGN_BRIDGES: [&str; 2] = ["cni-podman", "nerdctl"];
const ADMIN: &str = "CNI-ADMIN";

/// What is known about this node, beyond the rules themselves.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The cluster's pod networks; may be empty when nobody knows them.
    pub pod_networks: Vec<Cidr>,
    /// Names of CNI networks that are not Kubernetes', such as podman's.
    pub foreign_networks: BTreeSet<String>,
}

impl Default for Owner {
    /// No pod network known; podman's default network is foreign.
    fn default() -> Self {
        Self { pod_networks: Vec::new(), foreign_networks: BTreeSet::from(["podman".to_owned()]) }
    }
}

/// What of one table is Kubernetes'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Owned chains, in the table's order: to be emptied and deleted.
    pub chains: Vec<String>,
    /// Indices into [`Table::rules`] of rules in other chains that lead into an owned one (or, in a held shared chain,
    /// are about pod addresses): to be deleted. Ascending.
    pub rules: Vec<usize>,
    /// Chains with an owned name that stay, because somebody else needs them.
    pub held: Vec<String>,
}

impl Claim {
    /// Whether nothing in the table is Kubernetes'.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.rules.is_empty()
    }
}

/// What of `table` is Kubernetes'.
pub fn claim(table: &Table, owner: &Owner) -> Claim {
    let held = held(table, owner);
    let owned: BTreeSet<&str> = table
        .chains
        .iter()
        .filter(|chain| chain.policy.is_none() && has_owned_name(&chain.name) && !held.contains(chain.name.as_str()))
        .map(|chain| chain.name.as_str())
        .collect();
    let goes = |rule: &Rule| {
        rule.target.as_deref().is_some_and(|target| owned.contains(target))
            || held.contains(rule.chain.as_str()) && is_shared(&rule.chain) && is_about_pods(rule, owner)
    };
    Claim {
        rules: (0..table.rules.len())
            .filter(|at| !owned.contains(table.rules[*at].chain.as_str()) && goes(&table.rules[*at]))
            .collect(),
        chains: in_order(table, &owned),
        held: in_order(table, &held),
    }
}

/// Chains with an owned name that belong to somebody else: those of foreign networks, the shared ones that lead to
/// them, and the shared ones they lead to.
fn held<'a>(table: &'a Table, owner: &Owner) -> BTreeSet<&'a str> {
    let mut held = BTreeSet::new();
    for rule in table.rules.iter().filter(|rule| is_foreign(rule, owner)) {
        held.extend([Some(rule.chain.as_str()), rule.target.as_deref()].into_iter().flatten());
    }
    held.retain(|name| name.starts_with("CNI-") && table.chain(name).is_some());
    loop {
        let before = held.len();
        for rule in &table.rules {
            let Some(target) = rule.target.as_deref() else { continue };
            if held.contains(rule.chain.as_str()) && is_shared(target) {
                held.insert(target);
            }
            if held.contains(target) && (!is_shared(target) || target == ADMIN) && is_shared(&rule.chain) {
                held.insert(&rule.chain);
            }
        }
        // portmap's chains work together through a packet mark, not only through jumps.
        if held.iter().any(|name| name.starts_with(HOSTPORT)) {
            held.extend(table.chains.iter().map(|chain| chain.name.as_str()).filter(|name| name.starts_with(HOSTPORT)));
        }
        if held.len() == before {
            return held;
        }
    }
}

/// Whether a rule shows that the CNI chain it stands in or leads to is somebody else's. A rule that goes anyway shows
/// nothing: a second look would not find it.
fn is_foreign(rule: &Rule, owner: &Owner) -> bool {
    let mut ends = [Some(rule.chain.as_str()), rule.target.as_deref()].into_iter().flatten();
    if ends.any(|name| has_owned_name(name) && !name.starts_with("CNI-")) {
        return false;
    }
    if rule.chain == ADMIN {
        return true;
    }
    let words = rule.words();
    let network = words::values(&words, "--comment").find_map(network_name);
    let mut bridges = words::values(&words, "-i").chain(words::values(&words, "-o"));
    bridges.any(|name| FOREIGN_BRIDGES.iter().any(|prefix| name.starts_with(prefix)))
        || network.is_some_and(|name| owner.foreign_networks.contains(name))
        || rule.chain == "CNI-FORWARD"
            && !owner.pod_networks.is_empty()
            && addresses(&words).any(|network| !owner.pod_networks.iter().any(|pods| pods.contains_network(&network)))
}

/// The CNI network in the comment the bridge and portmap plugins write: `name: "cni0" id: "..."`, with or without
/// `dnat ` before it.
fn network_name(comment: &str) -> Option<&str> {
    let (_, rest) = comment.split_once("name: \"")?;
    rest.split_once('"').map(|(name, _)| name)
}

fn is_about_pods(rule: &Rule, owner: &Owner) -> bool {
    let words = rule.words();
    let mut all = addresses(&words).peekable();
    !is_foreign(rule, owner)
        && all.peek().is_some()
        && all.all(|network| owner.pod_networks.iter().any(|pods| pods.contains_network(&network)))
}

fn addresses(words: &[String]) -> impl Iterator<Item = Cidr> {
    words::values(words, "-s").chain(words::values(words, "-d")).filter_map(|text| text.parse().ok())
}

fn has_owned_name(name: &str) -> bool {
    OWNED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn is_shared(name: &str) -> bool {
    SHARED.iter().any(|prefix| name.starts_with(prefix)) || name == ADMIN
}

fn in_order(table: &Table, names: &BTreeSet<&str>) -> Vec<String> {
    table.chains.iter().filter(|chain| names.contains(chain.name.as_str())).map(|chain| chain.name.clone()).collect()
}

#[cfg(test)]
#[path = "owner_tests.rs"]
mod tests;
