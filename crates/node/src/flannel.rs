//! flannel's way to other nodes: what flanneld noted on the Nodes, against what the kernel holds.
//!
//! flanneld sets the link, and for each node that comes a route, a neighbour and a forwarding entry (flannel,
//! pkg/backend/vxlan: device.go, vxlan_network.go; hostgw: route_network.go), once. What is taken away or changed after
//! that stays so until its pod starts anew, while everything that runs looks well. IPv4 only.

use host::cidr::Cidr;
use host::deadline::Deadline;
use host::links::{self, Link};
use host::neighbours::{self, Forwarding, Neighbour};
use host::routes::{self, Route};
use serde_json::Value;
use std::net::IpAddr;
use std::path::Path;

const NOTE: &str = "flannel.alpha.coreos.com";
/// The table that flannel writes routes into.
const MAIN: u32 = 254;
/// Where the kubelet mounts flannel's configuration for its pod (kube-flannel.yml: the volume flannel-cfg).
const PODS: &str = "/var/lib/kubelet/pods";
const NET_CONF: &str = "volumes/kubernetes.io~configmap/flannel-cfg/net-conf.json";

/// What flanneld noted on a Node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The Node's name.
    pub name: String,
    /// `vxlan`, `host-gw`, ...
    pub backend: String,
    /// The hardware address that other nodes send to, in lower case.
    pub mac: Option<String>,
    /// The VXLAN network identifier.
    pub vni: Option<u64>,
    /// The address that other nodes send to.
    pub public_ip: Option<IpAddr>,
    /// The Node's pods.
    pub subnet: Option<Cidr>,
    /// Somebody says which address that is (public-ip-overwrite): it need not be the node's own.
    pub overwritten: bool,
    /// The addresses that the cluster has for the Node.
    pub addresses: Vec<IpAddr>,
}

impl Notes {
    /// Reads a Node; none without flannel's notes.
    pub fn of(node: &Value) -> Option<Self> {
        let meta = &node["metadata"];
        let note = |name: &str| meta["annotations"][format!("{NOTE}/{name}")].as_str();
        let data: Value = note("backend-data").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let listed = node["status"]["addresses"].as_array().into_iter().flatten();
        Some(Notes {
            name: meta["name"].as_str().unwrap_or_default().to_owned(),
            backend: note("backend-type")?.to_owned(),
            mac: data["VtepMAC"].as_str().map(str::to_lowercase),
            vni: data["VNI"].as_u64(),
            public_ip: note("public-ip").and_then(|ip| ip.parse().ok()),
            overwritten: note("public-ip-overwrite").is_some(),
            subnet: node["spec"]["podCIDR"].as_str().and_then(|cidr| cidr.parse().ok()),
            addresses: listed.filter_map(|address| address["address"].as_str()?.parse().ok()).collect(),
        })
    }
}

/// What the kernel holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kernel {
    /// All links.
    pub links: Vec<Link>,
    /// All routes.
    pub routes: Vec<Route>,
    /// All neighbours.
    pub neighbours: Vec<Neighbour>,
    /// All forwarding entries that lead to another machine.
    pub forwarding: Vec<Forwarding>,
    /// The UDP port of flannel's configuration, where its pod's can be read.
    pub port: Option<u16>,
}

impl Kernel {
    /// Looks.
    pub fn observe(deadline: &Deadline) -> anyhow::Result<Self> {
        Ok(Kernel {
            links: links::list(deadline)?,
            routes: routes::list(deadline)?,
            neighbours: neighbours::list(deadline)?,
            forwarding: neighbours::forwarding(deadline)?,
            port: configured_port(Path::new(PODS)),
        })
    }
}

/// flannel's own default where its configuration names none; none where there is no configuration to read.
fn configured_port(pods: &Path) -> Option<u16> {
    let confs = host::files::names(pods).unwrap_or_default().into_iter().map(|pod| pods.join(pod).join(NET_CONF));
    let conf = confs.into_iter().find_map(|path| host::files::read_text(path).ok().flatten())?;
    let conf: Value = serde_json::from_str(&conf).ok()?;
    let port = conf["Backend"]["Port"].as_u64().filter(|port| *port != 0).unwrap_or(8472);
    u16::try_from(port).ok()
}

/// What of flannel's way differs from what it noted, one sentence each; nothing on a node that is well. `peers` are the
/// other Nodes' notes, as far as the API server shows them. A link that is missing or down has a finding of its own.
pub fn wrong(own: &Notes, peers: &[Notes], kernel: &Kernel) -> Vec<String> {
    match own.backend.as_str() {
        "vxlan" => {
            let tunnel = kernel.links.iter().find(|link| link.name.starts_with("flannel.") && link.vxlan.is_some());
            let Some(tunnel) = tunnel.filter(|link| link.up) else { return Vec::new() };
            let mut words = device(own, tunnel, kernel);
            let known = peers.iter().filter(|peer| is_peer(own, peer) && (peer.vni == own.vni));
            known.for_each(|peer| words.extend(to_peer(peer, tunnel, kernel)));
            words.extend(dangling(tunnel, kernel));
            words.dedup();
            words
        }
        "host-gw" => peers
            .iter()
            .filter(|peer| is_peer(own, peer))
            .filter_map(|peer| {
                let (subnet, ip) = (peer.subnet?, peer.public_ip?);
                (!leads(kernel, subnet, |hop| hop.gateway == Some(ip))).then(|| no_route(peer, subnet, kernel))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn is_peer(own: &Notes, peer: &Notes) -> bool {
    peer.name != own.name && peer.backend == own.backend && peer.subnet.is_some_and(|s| s.address().is_ipv4())
}

/// The VXLAN itself against this Node's notes.
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
    let has = |ip: IpAddr| kernel.links.iter().any(|link| link.addresses.iter().any(|address| address.ip == ip));
    if let Some(local) = vxlan.local.filter(|ip| !ip.is_unspecified() && !has(*ip)) {
        words.push(format!("{name} sends from {local}, which no link of this machine has"));
    }
    // Behind NAT it is not the machine's own; then somebody said so.
    if let Some(ip) = own.public_ip.filter(|ip| !own.overwritten && !has(*ip) && !own.addresses.contains(ip)) {
        words.push(format!("other nodes send to {ip} (public-ip of this Node), which no link of this machine has"));
    }
    words
}

/// Route, neighbour and forwarding entry of another node.
fn to_peer(peer: &Notes, tunnel: &Link, kernel: &Kernel) -> Option<String> {
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
        None => return Some(format!("{name} has no neighbour {gateway} (node {})", peer.name)),
        Some(known) if known.mac != mac => {
            return Some(format!("{name}'s neighbour {gateway} is {}, node {} says {mac}", known.mac, peer.name));
        }
        Some(_) => {}
    }
    let mut entries = kernel.forwarding.iter().filter(|f| f.link == tunnel.index && f.mac == mac).peekable();
    if entries.peek().is_none() {
        return Some(format!("{name} has no forwarding entry for {mac} (node {})", peer.name));
    }
    let to: Vec<String> = entries.clone().map(|entry| entry.to.to_string()).collect();
    (!entries.any(|entry| entry.to == ip))
        .then(|| format!("{name} forwards {mac} to {}, node {} is at {ip}", to.join(", "), peer.name))
}

/// Routes over the tunnel whose gateway nobody can be found for: this needs no word of other nodes.
fn dangling(tunnel: &Link, kernel: &Kernel) -> Vec<String> {
    let name = &tunnel.name;
    let over = |route: &Route| {
        let hop =
            route.hops.iter().find(|hop| hop.link == Some(tunnel.index) && hop.gateway.is_some_and(|g| g.is_ipv4()));
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

fn leads(kernel: &Kernel, subnet: Cidr, by: impl Fn(&routes::NextHop) -> bool) -> bool {
    kernel.routes.iter().any(|route| route.table == MAIN && route.destination == subnet && route.hops.iter().any(&by))
}

fn no_route(peer: &Notes, subnet: Cidr, kernel: &Kernel) -> String {
    let other = kernel.routes.iter().find(|route| route.table == MAIN && route.destination == subnet);
    match other {
        None => format!("there is no route to {subnet}, the pods of node {}", peer.name),
        Some(route) => format!(
            "the route to the pods of node {} leads elsewhere: {}",
            peer.name,
            routes::described(route, &kernel.links)
        ),
    }
}

#[cfg(test)]
#[path = "flannel_tests.rs"]
mod tests;
