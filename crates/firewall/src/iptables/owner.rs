//! Which chains are Kubernetes', and which rules lead into them. Pure: a table in, a [`Claim`] out.
//!
//! A chain needs two things to be owned: a name that kube-proxy, the kubelet or a network plugin gives
//! (`footprint::chains`), and their hand in it: a rule of theirs in the chain or leading into it, a hash of theirs in the
//! name, a chain of theirs that uses it, or nothing in it at all. A user's `KUBE-BACKUP`, or `KUBE-FORWARD` with nothing but
//! a user's rules, stays. In other people's chains exactly the rules that jump into an owned chain go, and what a plugin
//! puts there without a chain (`footprint::rules`).
//!
//! CNI plugins serve podman (before netavark) and nerdctl too, with the same chain names. Their chains carry the
//! network's name in a comment: what is not a network of Kubernetes' is *held*, with the shared chains it needs:
//! `CNI-HOSTPORT-*` is one set for all networks. `CNI-ADMIN` is where the firewall plugin asks administrators to put
//! their own rules (containernetworking/plugins, plugins/meta/firewall): with rules in it, it is theirs.

use std::collections::BTreeSet;

use footprint::chains::{self, Evidence, Maker};
use footprint::rules::{self, Known};
use host::cidr::Cidr;

use super::save::{Rule, Table};
use super::words;

/// Chains of the CNI plugins that exist once for all networks.
const SHARED: [&str; 3] = [HOSTPORT, "CNI-FORWARD", "CNI-ISOLATION-"];
const HOSTPORT: &str = "CNI-HOSTPORT-";
const ADMIN: &str = "CNI-ADMIN";

/// What is known about this node, beyond the rules themselves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The cluster's pod networks; may be empty when nobody knows them.
    pub pod_networks: Vec<Cidr>,
    /// Names of the CNI networks that are Kubernetes', such as `cbr0`. All others are somebody else's.
    pub networks: BTreeSet<String>,
    /// flannel's networks, for the rules that it wrote without a chain before 0.21.
    pub flannel: Vec<Cidr>,
}

/// What of one table is Kubernetes'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// Owned chains, in the table's order: to be emptied and deleted.
    pub chains: Vec<String>,
    /// Indices into [`Table::rules`] of rules in other chains that lead into an owned one, that a plugin wrote without a
    /// chain, or that in a held shared chain are about pod addresses: to be deleted. Ascending.
    pub rules: Vec<usize>,
    /// Chains with an owned name that stay, because somebody else needs them.
    pub held: Vec<String>,
    /// Chains with a name like Kubernetes' that nothing proves to be its own: they stay.
    pub unproved: Vec<String>,
}

impl Claim {
    /// Whether nothing in the table is Kubernetes'.
    pub fn is_empty(&self) -> bool {
        self.chains.is_empty() && self.rules.is_empty()
    }
}

/// What of `table` is Kubernetes'.
pub fn claim(table: &Table, owner: &Owner) -> Claim {
    let rules: Vec<Read> = table.rules.iter().map(Read::of).collect();
    let proved = proved(table, &rules);
    let held = held(table, &rules, owner, &proved);
    let owned: BTreeSet<&str> = proved.iter().copied().filter(|name| !held.contains(name)).collect();
    let known = Known {
        flannel: owner.flannel.clone(),
        weave: owned.iter().any(|name| matches!(chains::maker(name), Some((Maker::Weave, _)))),
    };
    let goes = |read: &Read| {
        read.rule.target.as_deref().is_some_and(|target| owned.contains(target))
            || held.contains(read.rule.chain.as_str()) && is_shared(&read.rule.chain) && is_about_pods(read, owner)
            || rules::maker(&table.name, &read.words, &known).is_some()
    };
    let unproved: BTreeSet<&str> = table
        .chains
        .iter()
        .filter(|chain| chain.policy.is_none() && chains::resembles(&chain.name))
        .map(|chain| chain.name.as_str())
        .filter(|name| !owned.contains(name) && !held.contains(name))
        .collect();
    Claim {
        rules: (0..rules.len())
            .filter(|at| !owned.contains(rules[*at].rule.chain.as_str()) && goes(&rules[*at]))
            .collect(),
        chains: in_order(table, &owned),
        held: in_order(table, &held),
        unproved: in_order(table, &unproved),
    }
}

/// A rule with its words, which are split once.
struct Read<'a> {
    rule: &'a Rule,
    words: Vec<String>,
}

impl<'a> Read<'a> {
    fn of(rule: &'a Rule) -> Self {
        Self { words: rule.words(), rule }
    }

    fn ends(&self) -> impl Iterator<Item = &'a str> {
        [Some(self.rule.chain.as_str()), self.rule.target.as_deref()].into_iter().flatten()
    }
}

/// Chains with a maker's name that show the maker's hand.
fn proved<'a>(table: &'a Table, rules: &[Read<'a>]) -> BTreeSet<&'a str> {
    let named: Vec<(&str, Maker, Evidence)> = table
        .chains
        .iter()
        .filter(|chain| chain.policy.is_none())
        .filter_map(|chain| chains::maker(&chain.name).map(|(maker, how)| (chain.name.as_str(), maker, how)))
        .collect();
    let maker_of = |name: &str| named.iter().find(|(other, ..)| *other == name).map(|(_, maker, _)| *maker);
    let mut proved = BTreeSet::new();
    for (name, maker, how) in &named {
        // nft shows neither the comments nor the marks of xtables rules: there the exact name has to do.
        let sure = *maker != Maker::Plugins && (*how == Evidence::Hash || table.by_handle);
        if sure {
            proved.insert(*name);
        }
    }
    for read in rules {
        for end in read.ends() {
            if maker_of(end).is_some_and(|maker| chains::is_signed(maker, &read.words)) {
                proved.extend(named.iter().map(|(name, ..)| *name).filter(|name| *name == end));
            }
        }
    }
    // What a proved chain of the same maker uses, and what uses it, is the maker's as well.
    loop {
        let before = proved.len();
        for read in rules {
            let (Some(target), chain) = (read.rule.target.as_deref(), read.rule.chain.as_str()) else { continue };
            let pair = (maker_of(chain), maker_of(target));
            if pair.0.is_some() && pair.0 == pair.1 && (proved.contains(chain) || proved.contains(target)) {
                proved.extend(named.iter().map(|(name, ..)| *name).filter(|name| *name == chain || *name == target));
            }
        }
        // A chain in which nothing stays has nobody's rules in it.
        let stays = |read: &&Read| !read.rule.target.as_deref().is_some_and(|target| proved.contains(target));
        let used: BTreeSet<&str> = rules.iter().filter(stays).map(|read| read.rule.chain.as_str()).collect();
        proved.extend(named.iter().map(|(name, ..)| *name).filter(|name| !used.contains(name)));
        if proved.len() == before {
            return proved;
        }
    }
}

/// Chains with an owned name that belong to somebody else: those of foreign networks, the shared ones that lead to
/// them, and the shared ones they lead to.
fn held<'a>(table: &'a Table, rules: &[Read<'a>], owner: &Owner, proved: &BTreeSet<&str>) -> BTreeSet<&'a str> {
    let mut held = BTreeSet::new();
    // A rule that goes anyway shows nothing: a second look would not find it.
    let goes = |read: &&Read| read.ends().any(|name| proved.contains(name) && !is_plugins(name));
    for read in rules.iter().filter(|read| !goes(read) && is_foreign(read, owner)) {
        held.extend(read.ends());
    }
    held.retain(|name| is_plugins(name) && table.chain(name).is_some());
    loop {
        let before = held.len();
        for read in rules {
            let Some(target) = read.rule.target.as_deref() else { continue };
            if held.contains(read.rule.chain.as_str()) && is_shared(target) {
                held.insert(target);
            }
            if held.contains(target) && (!is_shared(target) || target == ADMIN) && is_shared(&read.rule.chain) {
                held.insert(&read.rule.chain);
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

/// Whether a rule shows that the CNI chain it stands in or leads to is somebody else's.
fn is_foreign(read: &Read, owner: &Owner) -> bool {
    if read.rule.chain == ADMIN {
        return true;
    }
    let network = words::values(&read.words, "--comment").find_map(chains::network);
    network.is_some_and(|name| !owner.networks.contains(name))
        || read.rule.chain == "CNI-FORWARD" && addresses(&read.words).any(|network| !is_of_pods(&network, owner))
}

fn is_about_pods(read: &Read, owner: &Owner) -> bool {
    let mut all = addresses(&read.words).peekable();
    !is_foreign(read, owner) && all.peek().is_some() && all.all(|network| is_of_pods(&network, owner))
}

fn is_of_pods(network: &Cidr, owner: &Owner) -> bool {
    owner.pod_networks.iter().any(|pods| pods.contains_network(network))
}

fn addresses(words: &[String]) -> impl Iterator<Item = Cidr> {
    words::values(words, "-s").chain(words::values(words, "-d")).filter_map(|text| text.parse().ok())
}

fn is_plugins(name: &str) -> bool {
    matches!(chains::maker(name), Some((Maker::Plugins, _)))
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
