//! The rules that masquerade, of every flannel: in POSTROUTING itself (before 0.20), in a chain FLANNEL-POSTRTG behind it,
//! or in nft's tables flannel-ipv4 and flannel-ipv6 (`EnableNFTables`). Packets are sent through them in thought; how a rule
//! is written does not matter.
//!
//! What pods send out has to be masqueraded, whoever's rule does it. What pods send to pods must not be by flannel's own:
//! then a rule that excepts them is missing. Another's rule that does so may be wanted.

use super::{Kernel, Notes};
use firewall::iptables::{Family, Rule, Table, Verdict, walk};
use firewall::packet::Packet;
use host::cidr::Cidr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const CHAIN: &str = "FLANNEL-POSTRTG";
/// Addresses that nobody has (RFC 5737, RFC 3849).
const OUTSIDE: (Ipv4Addr, Ipv6Addr) =
    (Ipv4Addr::new(203, 0, 113, 1), Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 1));

pub(super) fn wrong(own: &Notes, kernel: &Kernel) -> Vec<String> {
    let (Some(network), Some(subnet)) = (kernel.written.network(own.ipv6), own.subnet) else { return Vec::new() };
    let (Some(nat), Some(tables)) = (&kernel.nat, &kernel.tables) else { return Vec::new() };
    if !kernel.written.masquerade {
        return Vec::new();
    }
    let family = if own.ipv6 { Family::V6 } else { Family::V4 };
    let nat: Vec<&Table> = nat.iter().filter(|(of, _)| *of == family).map(|(_, table)| table).collect();
    let flannels: Vec<Table> = nat.iter().map(|table| flannels(table, network)).collect();
    let chained = flannels.iter().any(|table| table.chain(CHAIN).is_some());
    let by = |nat: &[&Table], packet: &Packet| {
        let in_iptables = nat.iter().any(|table| walk(table, "POSTROUTING", packet) == Some(Verdict::Masqueraded));
        in_iptables || tables.translates(packet) == Some(true)
    };
    let by_any = |packet: &Packet| by(&nat, packet);
    let by_flannel = |packet: &Packet| by(&flannels.iter().collect::<Vec<_>>(), packet);

    let outside = if own.ipv6 { IpAddr::from(OUTSIDE.1) } else { IpAddr::from(OUTSIDE.0) };
    let pod = nth(subnet, 2);
    // Several: a rule before 0.20 that excepts a subnet which this node had once stays for ever.
    let elsewhere: Vec<IpAddr> = [2, 0x102, 0x202, 0x1_0002].into_iter().map(|number| nth(network, number)).collect();
    let elsewhere: Vec<IpAddr> =
        elsewhere.into_iter().filter(|ip| network.contains(*ip) && !subnet.contains(*ip)).collect();
    let nft = tables.translates(&packet(pod, outside)).is_some();
    let mut words = Vec::new();
    if !by_any(&packet(pod, outside)) {
        words.push(format!(
            "no rule masquerades what pods send out of the cluster ({pod} to {outside}), and FLANNEL_IPMASQ is true"
        ));
    }
    if let Some(first) = elsewhere.first() {
        if elsewhere.iter().all(|ip| by_flannel(&packet(pod, *ip))) {
            words.push(format!(
                "flannel's rule that excepts what pods send to pods of other nodes is missing: it is masqueraded ({pod} to {first})"
            ));
        }
        // In nftables an earlier rule of flannel's own passes these.
        if words.is_empty() && !nft && !elsewhere.iter().any(|ip| by_any(&packet(outside, *ip))) {
            words.push(format!(
                "no rule masquerades what comes from outside and goes on to pods of other nodes ({outside} to {first})"
            ));
        }
    }
    if (chained || nft) && by_flannel(&packet(outside, pod)) {
        words.push(format!(
            "flannel's rule that excepts what comes from outside to this node's pods is missing: it is masqueraded ({outside} to {pod})"
        ));
    }
    words
}

/// The table with flannel's own rules alone: those of its chain, the way there, and before 0.20 those about its network.
fn flannels(table: &Table, network: Cidr) -> Table {
    let network = network.to_string();
    let about =
        |rule: &Rule| rule.words().windows(2).any(|pair| matches!(pair[0].as_str(), "-s" | "-d") && pair[1] == network);
    let own = |rule: &&Rule| {
        rule.chain == CHAIN || rule.chain == "POSTROUTING" && (rule.target.as_deref() == Some(CHAIN) || about(rule))
    };
    Table { rules: table.rules.iter().filter(own).cloned().collect(), ..table.clone() }
}

fn packet(source: IpAddr, destination: IpAddr) -> Packet<'static> {
    Packet { source, destination, input: "", output: "", protocol: "tcp", port: None, answer: false, unmarked: true }
}

fn nth(network: Cidr, number: u32) -> IpAddr {
    match network.address() {
        IpAddr::V4(ip) => Ipv4Addr::from(u32::from(ip).saturating_add(number)).into(),
        // A subnet of IPv6 is a /64 mostly: another one begins behind it.
        IpAddr::V6(ip) if number > 2 => Ipv6Addr::from(u128::from(ip).saturating_add(u128::from(number) << 64)).into(),
        IpAddr::V6(ip) => Ipv6Addr::from(u128::from(ip).saturating_add(number.into())).into(),
    }
}
