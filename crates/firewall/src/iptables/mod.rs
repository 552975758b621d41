//! Kubernetes' part of the firewall, out of every back end at once, with everything else byte for byte as it was.
//!
//! [`read`] looks, [`removals`] decides (pure), [`remove`] does it in one `iptables-restore --noflush` per table and
//! then reads again: what is not Kubernetes' must be what it was. [`foreign`] is that part, for a proof before and after.
//!
//! What is refused: flushing, changing a policy, touching a rule that does not lead into an owned chain. Why not the
//! `iptables` crate: docs/decisions/iptables-restore.md.

mod apply;
mod container;
mod owner;
mod programs;
mod removal;
mod save;
mod walk;
mod words;

#[cfg(test)]
mod properties;

pub use apply::remove;
pub use container::forget_container;
pub use owner::{Claim, Owner, claim};
pub use programs::{Backend, Family, Tool};
pub use removal::{Naming, Removal};
pub use save::{Chain, Rule, Save, Table, parse};
pub use walk::{Verdict, may_pass, walk};

use anyhow::Result;

use crate::nftables;
use host::deadline::Deadline;

/// The tables that iptables knows.
const TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// All rules of one back end and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruleset {
    /// Where they are.
    pub tool: Tool,
    /// The rules.
    pub save: Save,
}

/// What goes from one table of one back end and family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableRemoval {
    /// Where.
    pub tool: Tool,
    /// What.
    pub removal: Removal,
}

/// The rules of every back end and family this machine has programs for, in a fixed order. Loads no kernel module of
/// ip_tables. An error names the program that could not read its rules.
pub fn read(deadline: &Deadline) -> Result<Vec<Ruleset>> {
    let tools = Tool::all(deadline)?;
    tools.into_iter().map(|tool| Ok(Ruleset { save: tool.read(deadline)?, tool })).collect()
}

/// Tables of the kernel that iptables keeps its rules in and that no program here can show, such as `ip nat`: whether they
/// hold anything of Kubernetes cannot be told.
pub fn unseen(rulesets: &[Ruleset], tables: &[nftables::Table]) -> Result<Vec<String>> {
    let seen = |backend, family| rulesets.iter().any(|set| (set.tool.backend, set.tool.family) == (backend, family));
    let mut unseen = Vec::new();
    for (family, name) in [(Family::V4, "ip"), (Family::V6, "ip6")] {
        if !seen(Backend::Nft, family) {
            let of_iptables = |table: &&nftables::Table| table.family == name && TABLES.contains(&table.name.as_str());
            unseen.extend(tables.iter().filter(of_iptables).map(|table| format!("{table} (nftables)")));
        }
        if !seen(Backend::Legacy, family) {
            unseen.extend(programs::legacy_tables(family)?.iter().map(|table| format!("{name} {table} (legacy)")));
        }
    }
    Ok(unseen)
}

/// Tables of nftables whose rules these are, all of them and in iptables' own words. One with a base chain of somebody
/// else's beside iptables' own is shown without it (iptables 1.8.9: "contains incompatible base-chains").
pub fn shown(rulesets: &[Ruleset]) -> Vec<nftables::Table> {
    let mut shown = Vec::new();
    for set in rulesets.iter().filter(|set| set.tool.backend == Backend::Nft) {
        let family = if set.tool.family == Family::V4 { "ip" } else { "ip6" };
        let whole = |table: &&Table| !table.by_handle && !set.save.incompatible.contains(&table.name);
        let named = |table: &Table| nftables::Table { family: family.to_owned(), name: table.name.clone() };
        shown.extend(set.save.tables.iter().filter(whole).map(named));
    }
    shown
}

/// What has to go; empty when nothing of Kubernetes is left.
pub fn removals(rulesets: &[Ruleset], owner: &Owner) -> Vec<TableRemoval> {
    let tables = rulesets.iter().flat_map(|set| set.save.tables.iter().map(move |table| (&set.tool, table)));
    tables
        .filter_map(|(tool, table)| Some(TableRemoval { tool: tool.clone(), removal: Removal::of(table, owner)? }))
        .collect()
}

/// Chains with a name like Kubernetes' that nothing proves to be its own, each as `KUBE-BACKUP (iptables-nft filter)`.
pub fn unproved(rulesets: &[Ruleset], owner: &Owner) -> Vec<String> {
    let tables = rulesets.iter().flat_map(|set| set.save.tables.iter().map(move |table| (&set.tool, table)));
    tables
        .flat_map(|(tool, table)| {
            let place = format!("({} {})", tool.name(), table.name);
            claim(table, owner).unproved.into_iter().map(move |name| format!("{name} {place}"))
        })
        .collect()
}

/// Everything that is not Kubernetes', one line per chain and rule, each with its back end and table, without counters.
pub fn foreign(rulesets: &[Ruleset], owner: &Owner) -> Vec<String> {
    let tables = rulesets.iter().flat_map(|set| set.save.tables.iter().map(move |table| (&set.tool, table)));
    tables
        .flat_map(|(tool, table)| {
            let place = format!("{} {}", tool.name(), table.name);
            removal::foreign(table, owner)
                .into_iter()
                .map(move |line| format!("{place} {}", String::from_utf8_lossy(&line)))
        })
        .collect()
}
