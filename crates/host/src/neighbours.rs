//! Neighbours (ARP) and forwarding entries (FDB) of links: how an overlay network knows its peers.

use std::net::IpAddr;

use anyhow::Result;

use crate::deadline::Deadline;
use crate::netlink;

/// The hardware address of a neighbour on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// The link's index.
    pub link: u32,
    /// The neighbour's address.
    pub ip: IpAddr,
    /// Its hardware address, in lower case with colons; empty while nobody knows it.
    pub mac: String,
}

/// Where a VXLAN sends frames for a hardware address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forwarding {
    /// The link's index.
    pub link: u32,
    /// The hardware address, in lower case with colons.
    pub mac: String,
    /// The machine behind it.
    pub to: IpAddr,
}

/// All neighbours of both families.
pub fn list(deadline: &Deadline) -> Result<Vec<Neighbour>> {
    netlink::list_neighbours(deadline)
}

/// All forwarding entries that lead to another machine, as `bridge fdb show` has them with `dst`.
pub fn forwarding(deadline: &Deadline) -> Result<Vec<Forwarding>> {
    netlink::list_forwarding(deadline)
}
