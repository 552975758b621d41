//! The firewall: chains, rules, nftables tables and IPVS services that are Kubernetes'.

use anyhow::Result;
use firewall::iptables::{self, TableRemoval};
use firewall::{ipset, ipvs, nftables};
use host::deadline::Deadline;

use super::network::{self, Network};
use crate::done::Done;
use crate::words::count;

/// Deletes what is there now: removing the pods has taken some of it away.
pub fn delete(planned: &Network, done: &mut Done, deadline: &Deadline) -> Result<()> {
    let now = network::again(planned, deadline)?;
    iptables::remove(&now.firewall, &now.owner, deadline)?;
    nftables::delete(&now.tables, deadline)?;
    // Sets after the rules that use them.
    for set in &now.sets {
        if !ipset::destroy(set, deadline)? {
            done.warnings.push(format!("the set {set} of ipset is left: a rule that is not Kubernetes' uses it"));
        }
    }
    let left = ipvs::remove(&now.ipvs, deadline)?;
    if !left.is_empty() {
        let warning = format!("{} IPVS services of kube-proxy are left, because ipvsadm is not installed", left.len());
        done.warnings.push(warning);
    }
    // Nothing of it is left, as the removal has read; a part of the plan went with the pods, through their plugins.
    done.firewall = lines(planned);
    Ok(())
}

/// The firewall's part, a line per table.
pub fn lines(network: &Network) -> Vec<String> {
    let chains = network.firewall.iter().map(|TableRemoval { tool, removal }| {
        let (chains, rules) = (removal.chains.len(), removal.rules.len());
        let chains = count(chains as u64, "chain", "chains");
        let rules = match rules {
            0 => String::new(),
            rules => format!(", {} elsewhere", count(rules as u64, "rule", "rules")),
        };
        format!("{} {}: {chains}{rules}", tool.name(), removal.table)
    });
    let tables = network.tables.iter().map(|table| format!("nftables table {table}"));
    let services = network.ipvs.iter().map(|service| format!("IPVS service {service}"));
    let sets = network.sets.iter().map(|set| format!("ipset {set}"));
    chains.chain(tables).chain(services).chain(sets).collect()
}
