//! The VXLAN back end: the link, and what leads over it to each other node.

use super::{Fault, Kernel, MAIN, Notes, leads, no_route};
use host::links::Link;
use host::routes::Route;
use std::net::IpAddr;

pub(super) fn wrong(own: &Notes, peers: &[&Notes], kernel: &Kernel) -> Vec<Fault> {
    let tunnel = kernel.links.iter().find(|link| own.is_tunnel(&link.name) && link.vxlan.is_some() && link.up);
    let Some(tunnel) = tunnel else { return Vec::new() };
    let mut faults: Vec<Fault> = device(own, tunnel, kernel).into_iter().map(Fault::Device).collect();
    faults.extend(addresses(own, tunnel, kernel).into_iter().map(Fault::Way));
    let known = peers.iter().filter(|peer| peer.vni == own.vni);
    faults.extend(known.filter_map(|peer| to_peer(peer, tunnel, kernel)));
    faults.extend(dangling(own, tunnel, kernel).into_iter().map(Fault::Way));
    faults
}

/// The link itself against this Node's notes and flannel's files.
fn device(own: &Notes, tunnel: &Link, kernel: &Kernel) -> Vec<String> {
    let name = &tunnel.name;
    let mut words = Vec::new();
    if let Some(mac) = own.mac.as_ref().filter(|mac| **mac != tunnel.mac) {
        words.push(format!(
            "{name} has the hardware address {}, other nodes send to {mac} (VtepMAC of this Node)",
            tunnel.mac
        ));
    }
    let vxlan = tunnel.vxlan.clone().unwrap_or_default();
    if let Some(vni) = own.vni.filter(|vni| *vni != u64::from(vxlan.id)) {
        words.push(format!("{name} has the VNI {}, this Node's annotation says {vni}", vxlan.id));
    }
    if let Some(port) = kernel.port.filter(|port| *port != vxlan.port && vxlan.port != 0) {
        words.push(format!("{name} uses UDP port {}, flannel's configuration says {port}", vxlan.port));
    }
    if let Some(local) = vxlan.local.filter(|ip| !ip.is_unspecified() && !has(kernel, *ip)) {
        words.push(format!("{name} sends from {local}, which no link of this machine has"));
    }
    // A larger one loses nothing, unless the link below is smaller, which has a finding of its own.
    if let Some(mtu) = kernel.written.mtu.filter(|mtu| *mtu > tunnel.mtu) {
        words.push(format!("{name} has MTU {}, and pods send packets of {mtu} bytes (FLANNEL_MTU)", tunnel.mtu));
    }
    words
}

/// The tunnel's own address, and the one that other nodes send to.
fn addresses(own: &Notes, tunnel: &Link, kernel: &Kernel) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(address) = own.subnet.map(|subnet| subnet.address())
        && !tunnel.addresses.iter().any(|known| known.ip == address)
    {
        words.push(format!(
            "{} has not the address {address}, which this node answers pods of others with",
            tunnel.name
        ));
    }
    // Behind NAT it is not the machine's own; then somebody said so.
    let foreign = own.public_ip.filter(|ip| !own.overwritten && !has(kernel, *ip) && !own.addresses.contains(ip));
    if let Some(ip) = foreign {
        words.push(format!("other nodes send to {ip} (public-ip of this Node), which no link of this machine has"));
    }
    words
}

fn has(kernel: &Kernel, ip: IpAddr) -> bool {
    kernel.links.iter().any(|link| link.addresses.iter().any(|address| address.ip == ip))
}

/// Route, neighbour and forwarding entry of another node.
fn to_peer(peer: &Notes, tunnel: &Link, kernel: &Kernel) -> Option<Fault> {
    let (subnet, mac, ip) = (peer.subnet?, peer.mac.as_deref()?, peer.public_ip?);
    let gateway = subnet.address();
    // With DirectRouting, nodes of one network have no tunnel between them.
    if leads(kernel, subnet, |hop| hop.gateway == Some(ip) && hop.link != Some(tunnel.index)) {
        return None;
    }
    let name = &tunnel.name;
    if !leads(kernel, subnet, |hop| hop.link == Some(tunnel.index) && hop.gateway == Some(gateway)) {
        return Some(no_route(peer, subnet, kernel));
    }
    let neighbour = kernel.neighbours.iter().find(|n| n.link == tunnel.index && n.ip == gateway && !n.mac.is_empty());
    match neighbour {
        None => return Some(Fault::Way(format!("{name} has no neighbour {gateway} (node {})", peer.name))),
        Some(known) if known.mac != mac => {
            let words = format!("{name}'s neighbour {gateway} is {}, node {} says {mac}", known.mac, peer.name);
            return Some(Fault::Way(words));
        }
        Some(_) => {}
    }
    let mut entries = kernel.forwarding.iter().filter(|f| f.link == tunnel.index && f.mac == mac).peekable();
    if entries.peek().is_none() {
        return Some(Fault::Way(format!("{name} has no forwarding entry for {mac} (node {})", peer.name)));
    }
    let to: Vec<String> = entries.clone().map(|entry| entry.to.to_string()).collect();
    (!entries.any(|entry| entry.to == ip))
        .then(|| Fault::Way(format!("{name} forwards {mac} to {}, node {} is at {ip}", to.join(", "), peer.name)))
}

/// Routes over the tunnel whose gateway nobody can be found for: this needs no word of other nodes.
fn dangling(own: &Notes, tunnel: &Link, kernel: &Kernel) -> Vec<String> {
    let name = &tunnel.name;
    let over = |route: &Route| {
        let hop = route.hops.iter().find(|hop| {
            hop.link == Some(tunnel.index) && hop.gateway.is_some_and(|gateway| gateway.is_ipv6() == own.ipv6)
        });
        hop.and_then(|hop| hop.gateway).filter(|_| route.table == MAIN)
    };
    let missing = |gateway: IpAddr| {
        let known = kernel.neighbours.iter().find(|n| n.link == tunnel.index && n.ip == gateway && !n.mac.is_empty());
        match known {
            None => Some(format!("{name} has a route over {gateway} and no such neighbour")),
            Some(known) if !kernel.forwarding.iter().any(|f| f.link == tunnel.index && f.mac == known.mac) => {
                Some(format!("{name} has a route over {gateway} and no forwarding entry for {}", known.mac))
            }
            Some(_) => None,
        }
    };
    kernel.routes.iter().filter_map(over).filter_map(missing).collect()
}
