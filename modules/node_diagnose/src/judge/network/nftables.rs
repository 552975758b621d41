//! Chains that nft itself holds, as far as they keep pods from each other: firewalld's, or somebody's by hand.

use super::subnets;
use crate::finding::Finding;
use crate::observe::Facts;
use firewall::nftables::{Layer, Stopped};
use firewall::packet::Packet;
use host::cidr::Cidr;
use node::code::Code;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let mut all: Vec<Stopped> = packets(facts).iter().filter_map(|packet| stopped(facts, packet)).collect();
    all.dedup();
    let Some(first) = all.first() else { return };
    let pods = facts.network.flannel.as_ref().and_then(|f| f.network).or(subnets(facts).first().copied());
    let remedy = remedy(first, pods);
    let evidence: Vec<String> = all.iter().map(ToString::to_string).collect();
    let cause =
        "a chain of nftables drops what it does not know, and accepting it elsewhere, as flannel does, cannot help";
    found.push(Finding::new(Code::ForwardDropped, evidence).because(cause).mended_so(remedy));
}

/// Where this packet of a pod ends, when that is certain.
fn stopped(facts: &Facts, packet: &Packet) -> Option<Stopped> {
    let network = &facts.network;
    let off = network.switched_off.iter().any(|line| line.contains("bridge-nf-call-iptables"));
    let layers =
        [(Layer::Network, !packet.bridged() || network.br_netfilter && !off), (Layer::Bridge, packet.bridged())];
    let met = layers.iter().filter(|(_, met)| *met);
    met.filter_map(|(layer, _)| network.filters.drops(*layer, packet)).find(|stopped| stopped.certain)
}

/// Pods of this node to each other, to pods of other nodes and from there: TCP, to no port in particular.
fn packets(facts: &Facts) -> Vec<Packet<'_>> {
    let bridge = facts.network.bridge.as_deref().unwrap_or("cni0");
    let tunnel = facts.network.links.iter().find(|link| link.name.starts_with("flannel.") && link.vxlan.is_some());
    let tunnel = tunnel.map_or("", |link| &link.name);
    let packet = |source, destination, input, output| Packet {
        source,
        destination,
        input,
        output,
        protocol: "tcp",
        port: None,
        answer: false,
        unmarked: false,
    };
    let network = facts.network.flannel.as_ref().and_then(|f| f.network);
    let mut packets = Vec::new();
    for own in subnets(facts) {
        let (one, two) = (nth(&own, 2), nth(&own, 3));
        packets.push(packet(one, two, bridge, bridge));
        // The network's first addresses are this node's own, or another's.
        let away = network.map(|all| [nth(&all, 2), nth(&all, 0x102)]).into_iter().flatten();
        if let Some(away) = away.into_iter().find(|ip| !own.contains(*ip) && ip.is_ipv4() == one.is_ipv4()) {
            packets.push(packet(one, away, bridge, tunnel));
            packets.push(packet(away, one, tunnel, bridge));
        }
    }
    packets
}

fn nth(network: &Cidr, number: u32) -> IpAddr {
    match network.address() {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).saturating_add(number)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).saturating_add(number.into())).into(),
    }
}

/// What a person does: the firewall is somebody's, and nothing here changes it.
fn remedy(stopped: &Stopped, pods: Option<Cidr>) -> String {
    let family = if pods.is_none_or(|pods| pods.address().is_ipv4()) { "ip" } else { "ip6" };
    let pods = pods.map_or("POD_NETWORK".to_owned(), |pods| pods.to_string());
    if stopped.table.name == "firewalld" {
        return format!(
            "let firewalld trust the pod network: firewall-cmd --permanent --zone=trusted --add-source={pods} && firewall-cmd --reload"
        );
    }
    let rule = format!("nft insert rule {} {} {family}", stopped.table, stopped.base);
    format!(
        "accept the pod network in that chain: {rule} saddr {pods} accept; {rule} daddr {pods} accept; and both in the file that these rules come from, such as /etc/nftables.conf"
    )
}
