//! Which links are Kubernetes' own. Pure.
//!
//! A name only says where to look: an administrator's bridge may be called cni0. A link is Kubernetes' own when its kind is
//! the maker's *and* everything that lies on it is: its ports lead into pods, its addresses stand in pod networks, no
//! other route goes over it, no other link is built on it. What has such a name and is not proved is kept, with the reason.
//!
//! Names: flannel pkg/backend/{vxlan,wireguard}, kube-proxy pkg/proxy/ipvs (kube-ipvs0), NodeLocal DNSCache
//! (nodelocaldns), kubenet (cbr0), the bridge plugin's default (cni0), Calico felix (vxlan.calico, cali*), Cilium, Weave Net
//! (net/bridge.go), kube-router (kube-bridge, kube-dummy-if).

use std::collections::BTreeSet;

use host::cidr::Cidr;
use host::links::{Address, Link};
use host::routes::Route;

/// What the judgement needs besides the links.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Every link of this namespace.
    pub links: &'a [Link],
    /// Every route.
    pub routes: &'a [Route],
    /// The networks that pods get their addresses from.
    pub pod_networks: &'a [Cidr],
    /// The kernel's numbers for pods' network namespaces, as links name them ([`Link::netnsid`]).
    pub pod_namespaces: &'a BTreeSet<i32>,
    /// Bridges that the CNI configuration in force names, besides those of the table.
    pub bridges: &'a BTreeSet<String>,
    /// Links that an earlier look proved to be Kubernetes', and which may have lost their other end since.
    pub proved: &'a [Link],
}

/// A link that is Kubernetes', and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// As the kernel showed it.
    pub link: Link,
    /// Why it is Kubernetes', as half a sentence.
    pub reason: String,
}

/// A link with a name of Kubernetes' that is not proved to be its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it stays, as half a sentence.
    pub why: String,
}

/// Bridges of pods.
const BRIDGES: [(&str, &str); 4] = [
    ("cni0", "the pods' bridge"),
    ("cbr0", "kubenet's bridge"),
    ("kube-bridge", "kube-router's bridge"),
    ("weave", "Weave's bridge"),
];
/// Links that exist under exactly this name and are of this kind.
const NAMED: [(&str, &str, &str); 17] = [
    ("flannel-wg", "wireguard", "flannel's WireGuard tunnel"),
    ("flannel-wg-v6", "wireguard", "flannel's IPv6 WireGuard tunnel"),
    ("kube-ipvs0", "dummy", "kube-proxy's service addresses"),
    ("nodelocaldns", "dummy", "NodeLocal DNSCache's address"),
    ("vxlan.calico", "vxlan", "Calico's VXLAN"),
    ("vxlan-v6.calico", "vxlan", "Calico's IPv6 VXLAN"),
    ("wireguard.cali", "wireguard", "Calico's WireGuard tunnel"),
    ("wg-v6.cali", "wireguard", "Calico's IPv6 WireGuard tunnel"),
    ("cilium_host", "veth", "Cilium's host link"),
    ("cilium_net", "veth", "Cilium's host link"),
    ("cilium_vxlan", "vxlan", "Cilium's VXLAN"),
    ("cilium_geneve", "geneve", "Cilium's Geneve tunnel"),
    ("lxc_health", "veth", "Cilium's health endpoint"),
    ("kube-dummy-if", "dummy", "kube-router's service addresses"),
    ("vethwe-bridge", "veth", "Weave's link between bridge and datapath"),
    ("vethwe-datapath", "veth", "Weave's link between bridge and datapath"),
    ("vxlan-6784", "vxlan", "Weave's VXLAN"),
];

/// Ports and datapaths of Open vSwitch that network plugins make. A datapath may have bridges of other people's, and the
/// kernel lets none of them go by deleting a link: they are told, and go with the plugin's own program or the next boot.
const SWITCHED: [(&str, &str); 4] = [
    ("datapath", "Weave's Open vSwitch datapath"),
    ("antrea-gw0", "a port of Antrea's Open vSwitch bridge"),
    ("antrea-tun0", "a port of Antrea's Open vSwitch bridge"),
    ("br-int", "an Open vSwitch bridge of the name that Antrea's has"),
];

/// The owned links in an order they can be deleted in, ports before their bridge; and those that only have the name.
pub fn judge(all: &Surroundings) -> (Vec<Owned>, Vec<Kept>) {
    let (mut owned, mut bridges, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for link in all.links {
        let switched = SWITCHED.iter().find(|(name, _)| link.kind == "openvswitch" && link.name == *name);
        if let Some((_, what)) = switched {
            let why = format!("it is {what}, which stays until the next boot");
            kept.push(Kept { name: link.name.clone(), why });
            continue;
        }
        let Some(reason) = candidate(link, all) else { continue };
        match all.foreign_use(link) {
            Some(why) => kept.push(Kept { name: link.name.clone(), why }),
            None if link.kind == "bridge" => bridges.push(Owned { link: link.clone(), reason }),
            None => owned.push(Owned { link: link.clone(), reason }),
        }
    }
    let in_owned = |port: &&Link| bridges.iter().any(|bridge| Some(bridge.link.index) == port.master);
    let ports: Vec<Owned> = all
        .links
        .iter()
        .filter(in_owned)
        .filter(|port| !owned.iter().any(|other| other.link.index == port.index))
        .map(|port| {
            let bridge = bridges.iter().find(|bridge| Some(bridge.link.index) == port.master);
            let name = bridge.map_or("the pods' bridge", |bridge| &bridge.link.name);
            Owned { link: port.clone(), reason: format!("a pod's end in {name}") }
        })
        .collect();
    (ports.into_iter().chain(bridges).chain(owned).collect(), kept)
}

/// Why it may be Kubernetes', by name and kind.
fn candidate(link: &Link, all: &Surroundings) -> Option<String> {
    // A network card has no kind, and is never owned whatever it is called.
    if link.kind.is_empty() {
        return None;
    }
    let bridge = BRIDGES.iter().find(|(name, _)| link.name == *name).map(|(_, reason)| (*reason).to_owned());
    let in_force =
        || all.bridges.contains(&link.name).then(|| "the bridge of the CNI configuration in force".to_owned());
    if let Some(reason) = bridge.or_else(in_force) {
        return Some(reason);
    }
    let named = NAMED.iter().find(|(name, ..)| link.name == *name).map(|(.., reason)| (*reason).to_owned());
    named
        .or_else(|| flannel_name(link).map(|id| format!("flannel's VXLAN with identifier {id}")))
        .or_else(|| hashed(link, "cali", 11).then(|| "a pod's end of Calico".to_owned()))
        .or_else(|| hashed(link, "lxc", 12).then(|| "a pod's end of Cilium".to_owned()))
}

/// flannel names its VXLAN after the identifier: flannel.4096 with Windows nodes.
fn flannel_name(link: &Link) -> Option<&str> {
    ["flannel.", "flannel-v6."]
        .iter()
        .find_map(|prefix| link.name.strip_prefix(prefix))
        .filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

/// `cali` and 11 hexadecimal digits (Calico cni-plugin, pkg/k8s), `lxc` and 12 (Cilium, pkg/endpoint/connector).
fn hashed(link: &Link, prefix: &str, length: usize) -> bool {
    let digits = link.name.strip_prefix(prefix).unwrap_or_default();
    digits.len() == length && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Surroundings<'_> {
    /// Why the link is not, or not only, Kubernetes'; nothing when all of it is.
    fn foreign_use(&self, link: &Link) -> Option<String> {
        self.foreign_kind(link)
            .or_else(|| self.foreign_port(link))
            .or_else(|| self.foreign_address(link))
            .or_else(|| self.foreign_route(link))
            .or_else(|| self.built_on(link))
    }

    fn foreign_kind(&self, link: &Link) -> Option<String> {
        if BRIDGES.iter().any(|(name, _)| link.name == *name) || self.bridges.contains(&link.name) {
            return (link.kind != "bridge").then(|| format!("it is a {} and not a bridge", link.kind));
        }
        if let Some(id) = flannel_name(link) {
            return match &link.vxlan {
                None => Some(format!("it is a {} and not a VXLAN", link.kind)),
                Some(vxlan) if vxlan.id.to_string() != id => Some(format!("its VXLAN identifier is {}", vxlan.id)),
                Some(_) => None,
            };
        }
        if let Some((_, kind, _)) = NAMED.iter().find(|(name, ..)| link.name == *name) {
            return (link.kind != *kind).then(|| format!("it is a {} and not a {kind}", link.kind));
        }
        // A pod's end by its hash: the other end must be in a pod.
        let in_pod = link.kind == "veth" && link.netnsid.is_some_and(|id| self.pod_namespaces.contains(&id));
        let was = self.proved.iter().any(|earlier| earlier.is_still(link));
        (!in_pod && !was).then(|| "its other end is not in a pod".to_owned())
    }

    fn foreign_port(&self, link: &Link) -> Option<String> {
        let name_of = |index| self.links.iter().find(|other| other.index == index).map_or("?", |other| &other.name);
        if let Some(master) = link.master
            && !BRIDGES.iter().any(|(name, _)| name_of(master) == *name)
        {
            return Some(format!("it is a port of {}", name_of(master)));
        }
        let ports = self.links.iter().filter(|port| port.master == Some(link.index));
        let foreign = ports.filter(|port| !self.is_pods_end(port)).map(|port| port.name.as_str());
        let foreign: Vec<&str> = foreign.take(5).collect();
        (!foreign.is_empty()).then(|| format!("not only pods are connected to it: {}", foreign.join(", ")))
    }

    fn is_pods_end(&self, port: &Link) -> bool {
        let in_pod = port.kind == "veth" && port.netnsid.is_some_and(|id| self.pod_namespaces.contains(&id));
        let named = NAMED.iter().any(|(name, kind, _)| port.name == *name && port.kind == *kind);
        let was = self.proved.iter().any(|earlier| earlier.is_still(port));
        in_pod || named || was || flannel_name(port).is_some() && self.foreign_kind(port).is_none()
    }

    fn foreign_address(&self, link: &Link) -> Option<String> {
        // Service addresses, and addresses of whatever the DNS cache serves, are not pods'.
        if ["kube-ipvs0", "nodelocaldns", "kube-dummy-if"].contains(&link.name.as_str()) {
            return None;
        }
        // flannel gives its VXLAN the first address of this node's subnet, alone: /32, /128.
        let single =
            |address: &Address| link.kind == "vxlan" && address.prefix == if address.ip.is_ipv4() { 32 } else { 128 };
        let foreign = link
            .addresses
            .iter()
            .find(|address| !is_link_local(address.ip) && !single(address) && !self.is_pods_address(address));
        foreign.map(|address| format!("its address {address} is in no pod network known here"))
    }

    fn is_pods_address(&self, address: &Address) -> bool {
        let inside =
            address.network().is_ok_and(|network| self.pod_networks.iter().any(|pods| pods.contains_network(&network)));
        // A bridge of this node's subnet may stand in the whole network; one of a larger network than that may not.
        inside || self.pod_networks.iter().any(|pods| address.prefix >= pods.prefix() && pods.contains(address.ip))
    }

    fn foreign_route(&self, link: &Link) -> Option<String> {
        let over = |route: &&Route| route.hops.iter().any(|hop| hop.link == Some(link.index));
        let foreign = self.routes.iter().filter(over).find(|route| !self.is_pods_route(route, link));
        foreign.map(|route| match route.destination.prefix() {
            0 => "the default route goes over it".to_owned(),
            _ => format!("a route to {} goes over it", route.destination),
        })
    }

    fn is_pods_route(&self, route: &Route, link: &Link) -> bool {
        let destination = route.destination;
        // The kernel's own: addresses (table 255), link-local and multicast networks.
        let own = route.table == 255 || is_link_local(destination.address()) || destination.address().is_multicast();
        // How flannel points at a peer: the gateway is the first address of the destination, and taken to be on the link.
        let peer = |hop: &host::routes::NextHop| hop.onlink && hop.gateway == Some(destination.address());
        let exact = link
            .addresses
            .iter()
            .any(|address| route.protocol == 2 && address.network().is_ok_and(|network| network == destination));
        own || exact
            || self.pod_networks.iter().any(|pods| pods.contains_network(&destination))
            || flannel_name(link).is_some() && destination.prefix() > 0 && route.hops.iter().all(peer)
            || destination.prefix() > 0 && NAMED.iter().any(|(name, ..)| link.name == *name)
    }

    fn built_on(&self, link: &Link) -> Option<String> {
        let on_it = |other: &&Link| {
            other.peer == Some(link.index)
                && other.netnsid.is_none()
                && other.kind != "veth"
                && other.index != link.index
        };
        self.links.iter().find(on_it).map(|other| format!("{} is built on it", other.name))
    }
}

fn is_link_local(ip: std::net::IpAddr) -> bool {
    match ip {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
#[path = "links_tests.rs"]
mod tests;
