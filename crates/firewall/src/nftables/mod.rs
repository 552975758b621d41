//! The tables that Kubernetes keeps in nftables itself, taken away in one transaction. Needs no `nft`.
//!
//! Owned are exactly `kube-proxy` in ip and ip6 (kube-proxy's nftables mode, pkg/proxy/nftables), `flannel-ipv4` in ip and
//! `flannel-ipv6` in ip6 (flannel, pkg/trafficmngr/nftables). A table of the same name in another family, and every other
//! table, is somebody else's: [`Filters`] tells which of them drops a packet. [`rules`] reads the tables that iptables
//! shares with nft when iptables cannot.

mod filters;
mod forward;
mod matches;
pub(crate) mod netlink;
pub(crate) mod rules;

pub use filters::{Filters, filters, of_flannel};
pub use forward::{Layer, Stopped};

use std::fmt;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use host::deadline::Deadline;
use host::process::{Program, find};

const OWNED: [(&str, &str); 4] =
    [("ip", "kube-proxy"), ("ip6", "kube-proxy"), ("ip", "flannel-ipv4"), ("ip6", "flannel-ipv6")];

/// A table of nftables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `arp`, `bridge`, `netdev`.
    pub family: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.family, self.name)
    }
}

/// All tables of this network namespace.
pub fn tables(deadline: &Deadline) -> Result<Vec<Table>> {
    Ok(netlink::tables(deadline)?.into_iter().map(|(table, _)| table).collect())
}

/// Which of them are Kubernetes'.
pub fn owned(tables: &[Table]) -> Vec<Table> {
    let is_owned = |table: &&Table| OWNED.contains(&(table.family.as_str(), table.name.as_str()));
    tables.iter().filter(is_owned).cloned().collect()
}

/// Delete these tables, all or none, and look that every other table is still there. Refuses a table that is not owned.
pub fn delete(planned: &[Table], deadline: &Deadline) -> Result<()> {
    if planned.is_empty() {
        return Ok(());
    }
    if let Some(foreign) = planned.iter().find(|table| owned(std::slice::from_ref(table)).is_empty()) {
        bail!("deleting nftables table {foreign}: it is not Kubernetes'");
    }
    let before = tables(deadline)?;
    let there: Vec<Table> = planned.iter().filter(|table| before.contains(table)).cloned().collect();
    netlink::delete(&there, deadline).context("deleting Kubernetes' nftables tables")?;
    let after = tables(deadline)?;
    match before.iter().find(|table| !after.contains(table) && !planned.contains(table)) {
        Some(lost) => bail!("deleting Kubernetes' nftables tables: table {lost} of somebody else is gone, too"),
        None => Ok(()),
    }
}

/// One transaction of JSON commands.
pub(crate) fn apply(commands: &[Value], deadline: &Deadline) -> Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let nft = find("nft").context("nft is not installed")?;
    let script = json!({ "nftables": commands }).to_string();
    Program::new(nft).args(["-j", "-f", "-"]).stdin(script).run(deadline)?.success()?;
    Ok(())
}

/// The objects of one kind in an answer of nft.
pub(crate) fn objects<'a>(answer: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    answer["nftables"].as_array().into_iter().flatten().filter_map(move |entry| entry.get(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_four_tables_in_their_families_are_owned() {
        let table = |family: &str, name: &str| Table { family: family.to_owned(), name: name.to_owned() };
        let mine = [("inet", "kube-proxy"), ("ip", "my-kube-proxy"), ("ip6", "flannel-ipv4"), ("inet", "firewalld")];
        let mine: Vec<_> = mine.iter().map(|(family, name)| table(family, name)).collect();
        assert_eq!(owned(&mine), []);
        let ours: Vec<_> = OWNED.iter().map(|(family, name)| table(family, name)).collect();
        assert_eq!(owned(&[mine.clone(), ours.clone()].concat()), ours);
        assert!(delete(&mine, &Deadline::after(std::time::Duration::ZERO)).is_err());
    }
}
