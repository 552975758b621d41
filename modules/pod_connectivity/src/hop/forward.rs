//! What the kernel and its firewall let through: forwarding, the rules of iptables and of nft, masquerading.

use super::{Facts, Hop, Side};
use crate::checks::{Check, Place};
use crate::probe::Probe;
use firewall::iptables::{Family, Table, Verdict, walk};
use firewall::nftables::Layer;
use firewall::packet::Packet;

/// Why the check's packets, or their answers, are not passed on.
pub(super) fn of_forward(facts: &Facts, side: &Side, check: &Check) -> Option<Hop> {
    let to = check.probe.address();
    let input = facts.bridge_of(side).or(facts.host_end(side))?;
    let bridged = facts.pod(to).is_some_and(|target| facts.bridge_of(target).map(|b| b.index) == Some(input.index));
    if !bridged && !facts.forwards && to.is_ipv4() {
        return Some(Hop::new(
            "forward",
            "net.ipv4.ip_forward is 0",
            "sysctl -w net.ipv4.ip_forward=1, and in /etc/sysctl.d",
        ));
    }
    let output = if bridged { Some(input) } else { facts.route(to).and_then(|r| facts.link(r.hops.first()?.link?)) };
    let (protocol, port) = match &check.probe {
        Probe::Icmp { .. } => ("icmp", None),
        Probe::Tcp { to } | Probe::Http { to, .. } => ("tcp", Some(to.port())),
        Probe::Dns { .. } => ("udp", Some(53)),
    };
    let there = Packet {
        source: side.ip,
        destination: to,
        input: &input.name,
        output: output.map_or("", |link| &link.name),
        protocol,
        port,
        answer: false,
        unmarked: false,
    };
    let back = Packet {
        source: to,
        destination: side.ip,
        input: there.output,
        output: there.input,
        // The answer's is the port that it was asked from.
        port: None,
        answer: true,
        ..there.clone()
    };
    let both = [&there, &back];
    // Without br_netfilter, what stays on a bridge meets the bridge's own chains only.
    let routed = !bridged || facts.bridges_filtered;
    by_iptables(facts, &both)
        .filter(|_| routed)
        .or_else(|| both.iter().find_map(|packet| by_nft(facts, Layer::Network, packet)).filter(|_| routed))
        .or_else(|| both.iter().find_map(|packet| by_nft(facts, Layer::Bridge, packet)).filter(|_| bridged))
        .or_else(|| not_masqueraded(facts, &there).filter(|_| check.place == Place::Outside))
}

/// The tables of that name, in every back end of the packet's family. What iptables has no words for is nft's.
fn tables<'a>(facts: &'a Facts, packet: &Packet, name: &'a str) -> impl Iterator<Item = (&'static str, &'a Table)> {
    let family = if packet.destination.is_ipv4() { Family::V4 } else { Family::V6 };
    let sets = facts.rules.iter().filter(move |set| set.tool.family == family);
    sets.filter_map(move |set| {
        let table = set.save.tables.iter().find(|table| table.name == name && !table.by_handle)?;
        Some((set.tool.name(), table))
    })
}

fn by_iptables(facts: &Facts, packets: &[&Packet]) -> Option<Hop> {
    for packet in packets {
        for (tool, table) in tables(facts, packet, "filter") {
            if let Some(Verdict::Dropped(rule)) = walk(table, "FORWARD", packet) {
                let remedy = if rule.starts_with("-P") {
                    "flannel's or the network's own ACCEPT rules are missing: see the log of its pod, or accept the pod network in FORWARD"
                } else {
                    "delete this rule, or accept the pod network before it"
                };
                return Some(Hop::new("forward", format!("{tool} in filter: {rule}"), remedy));
            }
        }
    }
    None
}

fn by_nft(facts: &Facts, layer: Layer, packet: &Packet) -> Option<Hop> {
    let stopped = facts.filters.drops(layer, packet)?;
    let remedy = format!(
        "accept the pod network in table {}, chain {}, before it is dropped: no rule of iptables or flannel can; with firewalld, put the pod network into the zone trusted",
        stopped.table, stopped.base
    );
    Some(Hop::new("forward", stopped.to_string(), remedy))
}

fn not_masqueraded(facts: &Facts, packet: &Packet) -> Option<Hop> {
    let verdicts: Vec<Verdict> =
        tables(facts, packet, "nat").filter_map(|(_, table)| walk(table, "POSTROUTING", packet)).collect();
    let lacks = !verdicts.is_empty() && !verdicts.contains(&Verdict::Masqueraded);
    lacks.then(|| {
        let evidence = format!("no rule in nat POSTROUTING masquerades {} to {}", packet.source, packet.destination);
        Hop::new("masquerade", evidence, "ipMasq in the bridge's configuration, or flannel's --ip-masq")
    })
}
