//! The tables that iptables keeps in nftables, read and changed by `nft`, for when iptables-nft cannot.
//!
//! iptables-nft-save skips a rule it has no words for (one that `nft` itself wrote into `ip filter`) and ends with status
//! 3 (1.8.9, run), and refuses a whole table with foreign sets in older versions. nft names rules by handle, so nothing
//! needs to be understood but where a rule leads. The comments of xtables rules are not shown, so a CNI chain cannot be
//! told from podman's here: see `iptables::owner`.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{apply, objects};
use crate::iptables::{Chain, Family, Rule, Save, Table};
use host::deadline::Deadline;
use host::process::{Program, find};

const TABLES: [&str; 5] = ["filter", "nat", "mangle", "raw", "security"];

/// iptables' tables of one family, with nft's handle and its JSON as each rule's text.
pub(crate) fn read(family: Family, deadline: &Deadline) -> Result<Save> {
    let nft = find("nft").context("nft is not installed")?;
    let list = Program::new(nft).args(["-j", "list", "ruleset", name(family)]).keep_all();
    let answer: Value =
        serde_json::from_slice(&list.run(deadline)?.success()?.stdout).context("reading nft's answer")?;
    Ok(Save { tables: TABLES.iter().filter_map(|table| of_table(&answer, table)).collect(), incompatible: Vec::new() })
}

fn of_table(answer: &Value, name: &str) -> Option<Table> {
    objects(answer, "table").find(|table| table["name"] == name)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let chain = |chain: &Value| Chain {
        name: text(&chain["name"]),
        policy: chain.get("hook").map(|_| text(&chain["policy"]).to_uppercase()),
    };
    let rule = |rule: &Value| {
        let expressions = rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default();
        let target = expressions.iter().find_map(|e| e.get("jump").or(e.get("goto"))?["target"].as_str());
        // Counters move by themselves; a proof of sameness must not see them.
        let fixed: Vec<&Value> = expressions.iter().filter(|e| e.get("counter").is_none()).collect();
        Rule {
            chain: text(&rule["chain"]),
            target: target.map(str::to_owned),
            line: json!({ "handle": rule["handle"], "expr": fixed }).to_string().into_bytes(),
            handle: rule["handle"].as_u64(),
        }
    };
    let in_table = |object: &&Value| object["table"] == name;
    Some(Table {
        name: name.to_owned(),
        chains: objects(answer, "chain").filter(in_table).map(chain).collect(),
        rules: objects(answer, "rule").filter(in_table).map(rule).collect(),
        by_handle: true,
    })
}

/// Delete these rules, then empty and delete these chains, all or none.
pub(crate) fn remove(
    family: Family,
    table: &str,
    chains: &[String],
    rules: &[Rule],
    deadline: &Deadline,
) -> Result<()> {
    let family = name(family);
    let rule = |r: &Rule| json!({"delete": {"rule": {"family": family, "table": table, "chain": r.chain, "handle": r.handle}}});
    let chain = |verb: &str, c: &String| json!({verb: {"chain": {"family": family, "table": table, "name": c}}});
    let flush = chains.iter().map(|c| chain("flush", c));
    let delete = chains.iter().map(|c| chain("delete", c));
    let commands: Vec<Value> = rules.iter().map(rule).chain(flush).chain(delete).collect();
    apply(&commands, deadline)
}

fn name(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}
