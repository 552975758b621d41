//! One table's removal: the text for `iptables-restore --noflush`, and what the table looks like afterwards. Pure.
//!
//! `iptables-restore` applies a table in one commit: the kernel sees the table before or the table after, never between,
//! and one line that cannot be applied leaves everything as it was. With `--noflush`, naming an existing chain empties
//! it, and chains that are not named keep rules, policy and counters (iptables-restore(8); kube-proxy relies on both).

use std::collections::{BTreeMap, BTreeSet};

use super::owner::{Claim, Owner, claim};
use super::save::{Rule, Table};

/// What goes from one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The table's name.
    pub table: String,
    /// Chains to empty and delete.
    pub chains: Vec<String>,
    /// Rules to delete from chains that stay, as printed by `iptables-save`.
    pub rules: Vec<Rule>,
    /// Owned names that stay because somebody else needs them.
    pub held: Vec<String>,
    /// Whether nft has to do it, by the rules' handles.
    pub(super) by_handle: bool,
    /// Positions of `rules` in their chains, counted from 1.
    positions: Vec<usize>,
}

/// How a rule to delete is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By its own words: right also when somebody inserts a rule meanwhile.
    Words,
    /// By its position: for a rule that `iptables-restore` cannot read back, such as a comment with a newline. Only
    /// right while nobody changes the chain.
    Position,
}

impl Removal {
    /// What has to go from `table`; nothing when nothing in it is Kubernetes'.
    pub fn of(table: &Table, owner: &Owner) -> Option<Self> {
        let Claim { chains, rules, held, unproved: _ } = claim(table, owner);
        if chains.is_empty() && rules.is_empty() {
            return None;
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut positions = Vec::with_capacity(rules.len());
        for (at, rule) in table.rules.iter().enumerate() {
            let position = seen.entry(&rule.chain).or_default();
            *position += 1;
            if rules.binary_search(&at).is_ok() {
                positions.push(*position);
            }
        }
        Some(Self {
            table: table.name.clone(),
            positions,
            by_handle: table.by_handle,
            rules: rules.iter().map(|at| table.rules[*at].clone()).collect(),
            chains,
            held,
        })
    }

    /// These chains and rules, which are named by their words.
    pub(super) fn by_words(table: &Table, chains: Vec<String>, rules: Vec<Rule>) -> Self {
        let (by_handle, table) = (table.by_handle, table.name.clone());
        Self { table, chains, rules, held: Vec::new(), by_handle, positions: Vec::new() }
    }

    /// The transaction. Chains are emptied first, so that they can be deleted whatever they lead to.
    pub fn script(&self, naming: Naming) -> Vec<u8> {
        let mut text = format!("*{}\n", self.table).into_bytes();
        for chain in &self.chains {
            text.extend_from_slice(format!(":{chain} - [0:0]\n").as_bytes());
        }
        match naming {
            Naming::Words => {
                for rule in &self.rules {
                    text.extend_from_slice(b"-D");
                    text.extend_from_slice(&rule.line[2..]);
                    text.push(b'\n');
                }
            }
            // From the end, so that no deletion moves a rule that is still to go.
            Naming::Position => {
                for (rule, position) in self.rules.iter().zip(&self.positions).rev() {
                    text.extend_from_slice(format!("-D {} {position}\n", rule.chain).as_bytes());
                }
            }
        }
        for chain in &self.chains {
            text.extend_from_slice(format!("-X {chain}\n").as_bytes());
        }
        text.extend_from_slice(b"COMMIT\n");
        text
    }
}

/// What of `table` is not Kubernetes', line by line as `iptables-save` prints it, without counters: chains with their
/// policies, then rules. It is the same before and after a removal.
pub fn foreign(table: &Table, owner: &Owner) -> Vec<Vec<u8>> {
    let claim = claim(table, owner);
    let chains = table.chains.iter().filter(|chain| !claim.chains.contains(&chain.name));
    let chains = chains.map(|c| format!(":{} {}", c.name, c.policy.as_deref().unwrap_or("-")).into_bytes());
    let ours: BTreeSet<&str> = claim.chains.iter().map(String::as_str).collect();
    let stays = |at: &usize| !ours.contains(table.rules[*at].chain.as_str()) && claim.rules.binary_search(at).is_err();
    chains.chain((0..table.rules.len()).filter(stays).map(|at| table.rules[at].line.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iptables::save::parse;

    fn filter(rules: &str) -> Table {
        let text = format!(
            "*filter\n:INPUT DROP [1:2]\n:MINE - [0:0]\n:KUBE-FORWARD - [0:0]\n:KUBE-SERVICES - [0:0]\n{rules}COMMIT\n"
        );
        parse(text.as_bytes()).unwrap().tables.remove(0)
    }

    #[test]
    fn empties_deletes_jumps_then_deletes_chains_in_one_commit() {
        let table = filter(
            "-A INPUT -j MINE\n-A INPUT -j KUBE-FORWARD\n-A MINE -j KUBE-SERVICES\n-A KUBE-FORWARD -j KUBE-SERVICES\n",
        );
        let removal = Removal::of(&table, &Owner::default()).unwrap();
        let words = String::from_utf8(removal.script(Naming::Words)).unwrap();
        assert_eq!(
            words,
            "*filter\n:KUBE-FORWARD - [0:0]\n:KUBE-SERVICES - [0:0]\n-D INPUT -j KUBE-FORWARD\n-D MINE -j KUBE-SERVICES\n-X KUBE-FORWARD\n-X KUBE-SERVICES\nCOMMIT\n"
        );
        assert_eq!(foreign(&table, &Owner::default()), [&b":INPUT DROP"[..], b":MINE -", b"-A INPUT -j MINE"]);
    }

    #[test]
    fn positions_are_deleted_from_the_end() {
        let table =
            filter("-A INPUT -j KUBE-FORWARD\n-A INPUT -j MINE\n-A INPUT -j KUBE-SERVICES\n-A MINE -j KUBE-FORWARD\n");
        let removal = Removal::of(&table, &Owner::default()).unwrap();
        let text = String::from_utf8(removal.script(Naming::Position)).unwrap();
        assert!(text.contains("-D MINE 1\n-D INPUT 3\n-D INPUT 1\n"), "{text}");
    }
}
