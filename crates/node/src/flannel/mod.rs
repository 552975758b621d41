//! flannel's way to other nodes: what flanneld noted on the Nodes and wrote on this one, against what the kernel holds.
//!
//! flanneld sets the link, and for each node that comes a route, a neighbour and a forwarding entry (flannel,
//! pkg/backend/vxlan: device.go, vxlan_network.go; hostgw: route_network.go; wireguard: device.go), once. What is taken
//! away or changed after that stays so until its pod starts anew, while everything that runs looks well. The rules that
//! masquerade it looks after every five seconds in iptables (pkg/trafficmngr), and never in nftables.

mod masquerade;
mod notes;
mod shadow;
mod tunnel;
mod wireguard;
mod written;

pub use notes::Notes;
pub use shadow::shadowed;
pub use written::Written;

use firewall::iptables::{self, Family, Table};
use firewall::nftables::{self, Filters};
use host::cidr::Cidr;
use host::deadline::Deadline;
use host::links::{self, Link};
use host::neighbours::{self, Forwarding, Neighbour};
use host::routes::{self, Route};
use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// The table that flannel writes routes into.
const MAIN: u32 = 254;

/// How long a difference has to stay: flanneld looks after its rules of iptables every five seconds, and a node that has
/// just come is noted a moment before flanneld here has set its way.
pub const SETTLED: Duration = Duration::from_secs(7);

/// What the kernel holds, and what flannel's files on this node say.
#[derive(Debug, Clone, Default)]
pub struct Kernel {
    /// All links.
    pub links: Vec<Link>,
    /// All routes.
    pub routes: Vec<Route>,
    /// All neighbours.
    pub neighbours: Vec<Neighbour>,
    /// All forwarding entries that lead to another machine.
    pub forwarding: Vec<Forwarding>,
    /// iptables' tables nat, of each back end; none where not all of them can be read.
    pub nat: Option<Vec<(Family, Table)>>,
    /// flannel's own tables of nftables; none where they cannot be read.
    pub tables: Option<Filters>,
    /// The UDP port of flannel's configuration, where its pod's can be read.
    pub port: Option<u16>,
    /// flannel's subnet file.
    pub written: Written,
}

impl Kernel {
    /// Looks.
    pub fn observe(deadline: &Deadline) -> anyhow::Result<Self> {
        let written = Written::observe()?;
        // Who wants no masquerading has no use for rules; and what cannot be read is not told of.
        let nat = written.masquerade.then(|| nat(deadline)).and_then(Result::ok);
        let tables = written.masquerade.then(|| nftables::of_flannel(deadline)).and_then(Result::ok);
        Ok(Kernel {
            links: links::list(deadline)?,
            routes: routes::list(deadline)?,
            neighbours: neighbours::list(deadline)?,
            forwarding: neighbours::forwarding(deadline)?,
            port: written::configured_port(written::PODS.as_ref()),
            nat,
            tables,
            written,
        })
    }
}

/// An error where the kernel has rules that no program here shows: flannel brings an iptables of its own in its image.
fn nat(deadline: &Deadline) -> anyhow::Result<Vec<(Family, Table)>> {
    let rules = iptables::read(deadline)?;
    let unseen = iptables::unseen(&rules, &nftables::tables(deadline)?)?;
    anyhow::ensure!(unseen.is_empty(), "nothing here shows the rules in {}", unseen.join(", "));
    let of = |set: iptables::Ruleset| set.save.tables.into_iter().map(move |table| (set.tool.family, table));
    let nat: Vec<(Family, Table)> = rules.into_iter().flat_map(of).filter(|(_, table)| table.name == "nat").collect();
    // nft's words for iptables' rules are not walked through.
    anyhow::ensure!(!nat.iter().any(|(_, table)| table.by_handle), "iptables cannot show its own table nat");
    Ok(nat)
}

/// One thing that differs from what flannel set, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Fault {
    /// The tunnel's link itself: flanneld takes one that is there as it is, so it has to go before flannel starts anew.
    Device(String),
    /// What lies on it or leads over it: set anew whenever flannel starts.
    Way(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Device(words) | Fault::Way(words)) = self;
        f.write_str(words)
    }
}

/// What of flannel's way differs from what it set, for each family that this Node has notes of; nothing on a node that is
/// well. `peers` are the notes of all Nodes, as far as the API server shows them. A link that is missing or down has a
/// finding of its own.
pub fn wrong(own: &[Notes], peers: &[Notes], kernel: &Kernel) -> Vec<Fault> {
    let mut faults = Vec::new();
    for own in own {
        let known: Vec<&Notes> = peers.iter().filter(|peer| is_peer(own, peer)).collect();
        match own.backend.as_str() {
            "vxlan" => faults.extend(tunnel::wrong(own, &known, kernel)),
            "host-gw" | "ipip" => faults.extend(known.iter().filter_map(|peer| gateway(peer, kernel))),
            "wireguard" => faults.extend(wireguard::wrong(own, kernel)),
            _ => continue,
        }
        faults.extend(masquerade::wrong(own, kernel).into_iter().map(Fault::Way));
    }
    faults.dedup();
    faults
}

fn is_peer(own: &Notes, peer: &Notes) -> bool {
    let same_family = own.ipv6 == peer.ipv6 && peer.subnet.is_some_and(|s| s.address().is_ipv6() == own.ipv6);
    peer.name != own.name && peer.backend == own.backend && same_family
}

/// Without a tunnel, and with one that needs no neighbours, the other node itself is the gateway.
fn gateway(peer: &Notes, kernel: &Kernel) -> Option<Fault> {
    let (subnet, ip) = (peer.subnet?, peer.public_ip?);
    (!leads(kernel, subnet, |hop| hop.gateway == Some(ip))).then(|| no_route(peer, subnet, kernel))
}

fn leads(kernel: &Kernel, subnet: Cidr, by: impl Fn(&routes::NextHop) -> bool) -> bool {
    kernel.routes.iter().any(|route| route.table == MAIN && route.destination == subnet && route.hops.iter().any(&by))
}

fn no_route(peer: &Notes, subnet: Cidr, kernel: &Kernel) -> Fault {
    let other = kernel.routes.iter().find(|route| route.table == MAIN && route.destination == subnet);
    Fault::Way(match other {
        None => format!("there is no route to {subnet}, the pods of node {}", peer.name),
        Some(route) => format!(
            "the route to the pods of node {} leads elsewhere: {}",
            peer.name,
            routes::described(route, &kernel.links)
        ),
    })
}

#[cfg(test)]
mod tests;
