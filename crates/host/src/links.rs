//! Network links: bridges, veths, VXLANs, with their addresses.
//!
//! Listing, deleting and the few changes a repair needs. Which links are Kubernetes' own is decided in `footprint::links`.
//! Only what the kernel has shown can be deleted, and only while it still is what was shown: a name, or a number that
//! another link got meanwhile, deletes nothing.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use crate::cidr::Cidr;
use crate::deadline::Deadline;
use crate::netlink;

/// One link of the current network namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Link {
    /// Its number in this namespace; not reused soon.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// `bridge`, `veth`, `vxlan`, `dummy`, `wireguard`, ...; empty for a network card and for `lo`.
    pub kind: String,
    /// The index of the bridge (or bond) it is a port of.
    pub master: Option<u32>,
    /// Hardware address in lower case with colons; empty when it has none.
    pub mac: String,
    /// In bytes.
    pub mtu: u32,
    /// Set up by the administrator (IFF_UP).
    pub up: bool,
    /// Something answers at the other end (IFF_LOWER_UP); a bridge has it when a port has it.
    pub carrier: bool,
    /// For a VXLAN.
    pub vxlan: Option<Vxlan>,
    /// The other end of a veth: an index in its namespace, see `netnsid`. For other kinds the link it lies on.
    pub peer: Option<u32>,
    /// The number of the other end's namespace; nothing when it is this one.
    pub netnsid: Option<i32>,
    /// Both families.
    pub addresses: Vec<Address>,
    /// Whether the kernel has shown it.
    pub seen: Option<Seen>,
}

/// The kernel has shown this link: nothing but a listing makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(());

impl Seen {
    pub(crate) fn by_the_kernel() -> Self {
        Self(())
    }
}

impl Link {
    /// Whether `now`, as it is shown later under the same number, is still this link. Ports, addresses and with them a
    /// bridge's hardware address come and go.
    pub fn is_still(&self, now: &Self) -> bool {
        let of = |link: &Self| (link.index, link.name.clone(), link.kind.clone(), link.vxlan.clone());
        of(self) == of(now) && (self.kind == "bridge" || self.mac == now.mac)
    }
}

/// What makes a VXLAN this one and no other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vxlan {
    /// The VXLAN network identifier.
    pub id: u32,
    /// UDP port.
    pub port: u16,
    /// The address tunnels start from.
    pub local: Option<IpAddr>,
    /// The index of the link below.
    pub over: Option<u32>,
}

/// An address of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// The link's own address.
    pub ip: IpAddr,
    /// The prefix of the network it stands in, in bits.
    pub prefix: u8,
}

impl Address {
    /// The network it stands in.
    pub fn network(&self) -> Result<Cidr> {
        Cidr::around(self.ip, self.prefix)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.ip, self.prefix)
    }
}

/// All links, in the kernel's order.
pub fn list(deadline: &Deadline) -> Result<Vec<Link>> {
    netlink::list_links(deadline)
}

/// Delete links, in this order. One that is gone already is no error, and every one is tried. One that the kernel has not
/// shown, or whose number means another link by now, is left and named in the error. Deleting one end of a veth deletes
/// the other.
pub fn delete(links: &[Link], deadline: &Deadline) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    if let Some(link) = links.iter().find(|link| link.seen.is_none()) {
        bail!("deleting link {}: it was not read from the kernel", link.name);
    }
    let now = list(deadline)?;
    let there = |link: &&Link| now.iter().any(|other| other.index == link.index);
    let (same, others): (Vec<&Link>, Vec<&Link>) = links
        .iter()
        .filter(there)
        .partition(|link| now.iter().any(|other| other.index == link.index && link.is_still(other)));
    let list: Vec<(u32, String)> = same.iter().map(|link| (link.index, link.name.clone())).collect();
    if !list.is_empty() {
        netlink::delete_links(&list, deadline)?;
    }
    match others.first() {
        Some(other) => bail!("deleting link {}: number {} is another link by now", other.name, other.index),
        None => Ok(()),
    }
}

/// The numbers under which this namespace's links name other network namespaces ([`Link::netnsid`]): of each namespace at
/// these paths, such as `/proc/12/ns/net`. One that is gone, or that no link leads into, has none.
pub fn namespace_ids(paths: &[PathBuf], deadline: &Deadline) -> Result<BTreeSet<i32>> {
    netlink::namespace_ids(paths, deadline)
}

/// Set a link up.
pub fn set_up(link: &Link, deadline: &Deadline) -> Result<()> {
    netlink::set_link_up(link.index, true, deadline).with_context(|| format!("setting {} up", link.name))
}

/// Set a link down.
pub fn set_down(link: &Link, deadline: &Deadline) -> Result<()> {
    netlink::set_link_up(link.index, false, deadline).with_context(|| format!("setting {} down", link.name))
}

/// Whether a bridge sends a frame back out of the port it came in by: a pod that reaches itself through a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hairpin {
    /// As flannel's configuration asks for.
    On,
    /// The kernel's default.
    Off,
}

/// Make a link a port of a bridge.
pub fn attach(link: &Link, bridge: &Link, hairpin: Hairpin, deadline: &Deadline) -> Result<()> {
    let what = || format!("attaching {} to {}", link.name, bridge.name);
    netlink::set_link_master(link.index, bridge.index, hairpin == Hairpin::On, deadline).with_context(what)
}

/// Add a bridge, set up.
pub fn add_bridge(name: &str, deadline: &Deadline) -> Result<()> {
    netlink::add_bridge(name, deadline).with_context(|| format!("adding bridge {name}"))
}

/// Set a link down and up again so that the kernel announces its IPv4 addresses by gratuitous ARP (arp_notify, see the
/// kernel's ip-sysctl.rst). Neighbours who knew another hardware address for them otherwise keep it for half a minute.
/// Only for a link that nothing but its addresses depends on: other routes over it are gone.
pub fn announce(link: &Link, deadline: &Deadline) -> Result<()> {
    let what = || format!("announcing the addresses of {}", link.name);
    if link.name.contains('/') {
        bail!("announcing the addresses of {}: that is no link's name", link.name);
    }
    let path = format!("/proc/sys/net/ipv4/conf/{}/arp_notify", link.name);
    let write = |value: &str| OpenOptions::new().write(true).open(&path)?.write_all(value.as_bytes());
    let before = std::fs::read_to_string(&path).with_context(what)?;
    write("1").with_context(what)?;
    let done = set_down(link, deadline).and_then(|()| set_up(link, deadline));
    write(before.trim()).with_context(what).and(done)
}

/// Give a link an address.
pub fn add_address(link: &Link, address: Address, deadline: &Deadline) -> Result<()> {
    let what = || format!("giving {} the address {address}", link.name);
    netlink::add_address(link.index, address, deadline).with_context(what)
}

/// Take an address from a link; one that is gone already is no error.
pub fn delete_address(link: &Link, address: Address, deadline: &Deadline) -> Result<()> {
    let what = || format!("taking the address {address} from {}", link.name);
    netlink::delete_address(link.index, address, deadline).with_context(what)
}
