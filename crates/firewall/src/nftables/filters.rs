//! Chains that see what this machine forwards, in tables that are nft's own: firewalld's, or somebody's by hand.
//!
//! A packet meets every base chain of the hook, and one that drops it is the end; accepting in one table says nothing
//! about the next. So iptables' rules alone do not tell what becomes of a packet.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Table, netlink, objects, owned};
use crate::iptables::{self, Ruleset};
use host::deadline::Deadline;
use host::process::{Program, find};

/// Families whose chains see forwarded packets.
const FORWARDING: [&str; 4] = ["ip", "ip6", "inet", "bridge"];

/// The tables, but for Kubernetes' and those that iptables shows.
#[derive(Debug, Clone, Default)]
pub struct Filters(pub(super) Vec<Filter>);

/// One table.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    pub(super) table: Table,
    pub(super) chains: Vec<Chain>,
    /// Elements of the named sets and maps.
    pub(super) sets: BTreeMap<String, Vec<Value>>,
}

#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) name: String,
    /// It is called for what is forwarded.
    pub(super) forwards: bool,
    /// It is called for what leaves, to translate source addresses.
    pub(super) translates: bool,
    pub(super) drops_by_policy: bool,
    pub(super) rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) handle: u64,
    pub(super) comment: Option<String>,
    pub(super) expressions: Vec<Value>,
}

/// Reads them: which there are from the kernel, and only when there are some, what they say from `nft`. An error when
/// there are some and no `nft`. `rulesets` is what iptables shows.
pub fn filters(rulesets: &[Ruleset], deadline: &Deadline) -> Result<Filters> {
    // nft 1.0.6 tells in text only that a table is dormant, and such a one sees no packet.
    let awake = netlink::tables(deadline)?.into_iter().filter(|(_, dormant)| !dormant);
    let all: Vec<Table> = awake.map(|(table, _)| table).collect();
    let (kubernetes, shown) = (owned(&all), iptables::shown(rulesets));
    let wanted: BTreeSet<&Table> =
        all.iter().filter(|table| !kubernetes.contains(table) && !shown.contains(table)).collect();
    let mut filters = Vec::new();
    for family in FORWARDING.into_iter().filter(|family| wanted.iter().any(|table| table.family == *family)) {
        let nft = find("nft").with_context(|| {
            let names: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            format!("nft is not installed, so the rules of {} cannot be read", names.join(", "))
        })?;
        let list = Program::new(nft).args(["-j", "list", "ruleset", family]).keep_all();
        let answer: Value =
            serde_json::from_slice(&list.run(deadline)?.success()?.stdout).context("reading nft's answer")?;
        filters.extend(parse(&answer).into_iter().filter(|filter| wanted.contains(&filter.table)));
    }
    Ok(Filters(filters))
}

/// flannel's own tables, where it was told to use nftables; none when there are none, which needs no `nft`.
pub fn of_flannel(deadline: &Deadline) -> Result<Filters> {
    let there = super::tables(deadline)?;
    let mut filters = Vec::new();
    for table in owned(&there).iter().filter(|table| table.name.starts_with("flannel-")) {
        let nft = find("nft").with_context(|| format!("nft is not installed, so {table} cannot be read"))?;
        let list = Program::new(nft).args(["-j", "list", "table", &table.family, &table.name]).keep_all();
        let answer: Value =
            serde_json::from_slice(&list.run(deadline)?.success()?.stdout).context("reading nft's answer")?;
        filters.extend(parse(&answer));
    }
    Ok(Filters(filters))
}

impl Filters {
    /// Reads an answer of nft.
    pub fn of(answer: &Value) -> Self {
        Filters(parse(answer))
    }
}

/// The tables in an answer of nft (libnftables-json(5)).
fn parse(answer: &Value) -> Vec<Filter> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |table: &Value| {
        let within = |object: &&Value| object["family"] == table["family"] && object["table"] == table["name"];
        let rule = |rule: &Value| Rule {
            handle: rule["handle"].as_u64().unwrap_or_default(),
            comment: rule["comment"].as_str().map(str::to_owned),
            expressions: rule["expr"].as_array().cloned().unwrap_or_default(),
        };
        let chain = |chain: &Value| Chain {
            name: text(&chain["name"]),
            forwards: chain["hook"] == "forward",
            translates: chain["hook"] == "postrouting" && chain["type"] == "nat",
            drops_by_policy: chain["policy"] == "drop",
            rules: objects(answer, "rule").filter(within).filter(|r| r["chain"] == chain["name"]).map(rule).collect(),
        };
        let sets = objects(answer, "set").chain(objects(answer, "map")).filter(within);
        let elements = |set: &Value| (text(&set["name"]), set["elem"].as_array().cloned().unwrap_or_default());
        Filter {
            table: Table { family: text(&table["family"]), name: text(&table["name"]) },
            chains: objects(answer, "chain").filter(within).map(chain).collect(),
            sets: sets.map(elements).collect(),
        }
    };
    objects(answer, "table").map(of).collect()
}
