//! What iptables would do with a packet, from its saved rules: a walk through chains. Pure.
//!
//! Matches that are not modelled are neither true nor false: such a rule never decides, but is named as a suspect. Packets
//! carry no marks, and are of a new connection or the answer to one.

use std::net::IpAddr;

use super::{Rule, Table};
use crate::packet::Packet;
use host::cidr::Cidr;

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Accepted,
    /// A rule or policy stops it: that rule, or `-P FORWARD DROP`.
    Dropped(String),
    /// A rule gives it another source address.
    Masqueraded,
}

/// Goes through `chain` of `table`. `None` when the table has no such chain.
pub fn walk(table: &Table, chain: &str, packet: &Packet) -> Option<Verdict> {
    let policy = table.chain(chain)?.policy.as_deref();
    let decided = through(table, chain, packet, 0);
    Some(decided.unwrap_or_else(|| match policy {
        Some("DROP") => Verdict::Dropped(format!("-P {chain} DROP")),
        _ => Verdict::Accepted,
    }))
}

/// Whether the packet may get through after all, because a rule that is not modelled (an ipset, a mark) may accept it before
/// it is dropped for certain.
pub fn may_pass(table: &Table, chain: &str, packet: &Packet) -> bool {
    let policy = table.chain(chain).and_then(|chain| chain.policy.as_deref());
    may_through(table, chain, packet, 0).unwrap_or(policy != Some("DROP"))
}

fn may_through(table: &Table, chain: &str, packet: &Packet, depth: usize) -> Option<bool> {
    if depth > 64 {
        return None;
    }
    for rule in table.rules.iter().filter(|rule| rule.chain == chain) {
        let certain = match matches(rule, packet) {
            Some(false) => continue,
            holds => holds == Some(true),
        };
        match rule.target.as_deref() {
            Some("ACCEPT") => return Some(true),
            Some("DROP" | "REJECT") if certain => return Some(false),
            Some("RETURN") if certain => return None,
            Some(other) if table.chain(other).is_some() => match may_through(table, other, packet, depth + 1) {
                Some(false) if !certain => {}
                None => {}
                decided => return decided,
            },
            _ => {}
        }
    }
    None
}

fn through(table: &Table, chain: &str, packet: &Packet, depth: usize) -> Option<Verdict> {
    // Deeper than the kernel allows: a loop in a text that is no real table.
    if depth > 64 {
        return None;
    }
    for rule in table.rules.iter().filter(|rule| rule.chain == chain) {
        if matches(rule, packet) != Some(true) {
            continue;
        }
        match rule.target.as_deref() {
            Some("ACCEPT") => return Some(Verdict::Accepted),
            Some("DROP" | "REJECT") => return Some(Verdict::Dropped(String::from_utf8_lossy(&rule.line).into_owned())),
            Some("MASQUERADE" | "SNAT") => return Some(Verdict::Masqueraded),
            Some("RETURN") => return None,
            Some(other) if table.chain(other).is_some() => {
                if let Some(verdict) = through(table, other, packet, depth + 1) {
                    return Some(verdict);
                }
            }
            _ => {}
        }
    }
    None
}

/// Whether the rule's matches hold; nothing when one of them is not modelled and no other fails.
fn matches(rule: &Rule, packet: &Packet) -> Option<bool> {
    let words = rule.words();
    // Behind the target come its own options.
    let end = words.iter().position(|word| word == "-j" || word == "-g").unwrap_or(words.len());
    let (mut certain, mut negated, mut at) = (true, false, 2);
    while at < end {
        let value = words.get(at + 1).map(String::as_str).unwrap_or_default();
        let (holds, used) = one(&words[at], value, packet);
        at += used;
        if words[at - used] == "!" {
            negated = true;
            continue;
        }
        match holds {
            Some(holds) if holds == negated => return Some(false),
            Some(_) => {}
            None => certain = false,
        }
        negated = false;
    }
    certain.then_some(true)
}

/// One option: whether it holds, and how many words it takes.
fn one(option: &str, value: &str, packet: &Packet) -> (Option<bool>, usize) {
    let within = |ip: IpAddr| value.parse::<Cidr>().ok().map(|network| network.contains(ip));
    let link = |name: &str| Some(value.strip_suffix('+').map_or(value == name, |prefix| name.starts_with(prefix)));
    match option {
        "!" => (None, 1),
        // The match's name says nothing yet; -f only fragments.
        "-m" | "--comment" => (Some(true), 2),
        "-f" => (Some(false), 1),
        "-s" => (within(packet.source), 2),
        "-d" => (within(packet.destination), 2),
        "-i" => (link(packet.input), 2),
        "-o" => (link(packet.output), 2),
        "-p" => (Some(value == packet.protocol || value == "all"), 2),
        "--dport" | "--dports" => (packet.port.map(|port| ports(value, port)), 2),
        "--ctstate" | "--state" => {
            (Some(value.split(',').any(|state| state == if packet.answer { "ESTABLISHED" } else { "NEW" })), 2)
        }
        // No packet of a check carries a mark: 0x4000/0x4000 is kube-proxy's.
        "--mark" => (mark(value).map(|(value, _)| value == 0), 2),
        "--physdev-is-bridged" => (Some(packet.bridged()), 1),
        _ if option.starts_with("--") && !value.starts_with('-') && !value.is_empty() => (None, 2),
        _ => (None, 1),
    }
}

fn ports(list: &str, port: u16) -> bool {
    list.split(',').any(|part| match part.split_once(':') {
        Some((from, to)) => (from.parse().unwrap_or(0)..=to.parse().unwrap_or(u16::MAX)).contains(&port),
        None => part.parse() == Ok(port),
    })
}

fn mark(text: &str) -> Option<(u32, u32)> {
    let number = |text: &str| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    let (value, mask) = text.split_once('/').unwrap_or((text, "0xffffffff"));
    Some((number(value)?, number(mask)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iptables::parse;

    const REAL_NODE: &[u8] = include_bytes!("../../tests/data/iptables-save.txt");

    fn packet(source: &str, destination: &str) -> Packet<'static> {
        Packet {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
            input: "cni0",
            output: "cni0",
            protocol: "tcp",
            port: Some(8096),
            answer: false,
            unmarked: false,
        }
    }

    fn forward(policy: &str, rules: &str) -> Verdict {
        let text = format!("*filter\n:FORWARD {policy} [0:0]\n:MINE - [0:0]\n:OTHER - [0:0]\n{rules}COMMIT\n");
        let table = parse(text.as_bytes()).unwrap().tables.remove(0);
        walk(&table, "FORWARD", &packet("10.244.0.20", "10.244.0.19")).unwrap()
    }

    #[test]
    fn a_real_node_lets_pods_through_and_masquerades_them_outside() {
        let save = parse(REAL_NODE).unwrap();
        let table = |name: &str| save.tables.iter().find(|table| table.name == name).unwrap();
        assert_eq!(walk(table("filter"), "FORWARD", &packet("10.244.0.3", "10.244.0.4")), Some(Verdict::Accepted));
        let out = Packet { output: "eth0", ..packet("10.244.0.3", "192.0.2.1") };
        assert_eq!(walk(table("nat"), "POSTROUTING", &out), Some(Verdict::Masqueraded));
        let inside = packet("10.244.0.3", "10.244.0.4");
        assert_eq!(walk(table("nat"), "POSTROUTING", &inside), Some(Verdict::Accepted), "not among pods");
        assert_eq!(walk(table("nat"), "NONE", &inside), None);
    }

    #[test]
    fn the_rule_that_drops_is_named() {
        let bad = "-A MINE -s 10.244.0.20/32 -d 10.244.0.0/24 -p tcp -m tcp --dport 8000:8100 -j DROP\n";
        let verdict = forward("ACCEPT", &format!("-A FORWARD -i cni+ -j MINE\n{bad}"));
        assert_eq!(verdict, Verdict::Dropped(bad.trim_end().to_owned()));
        assert_eq!(forward("DROP", ""), Verdict::Dropped("-P FORWARD DROP".into()));
        assert_eq!(forward("DROP", "-A FORWARD -j MINE\n-A MINE -s 10.244.0.0/16 -j ACCEPT\n"), Verdict::Accepted);
    }

    #[test]
    fn a_rule_that_is_not_modelled_may_let_a_packet_pass() {
        let may = |policy: &str, rules: &str| {
            let text = format!("*filter\n:FORWARD {policy} [0:0]\n:MINE - [0:0]\n{rules}COMMIT\n");
            let table = parse(text.as_bytes()).unwrap().tables.remove(0);
            may_pass(&table, "FORWARD", &packet("10.244.0.20", "10.244.0.19"))
        };
        assert!(may("ACCEPT", "") && !may("DROP", ""));
        assert!(may("DROP", "-A FORWARD -m set --match-set friends src -j ACCEPT\n"));
        assert!(may("DROP", "-A FORWARD -m set --match-set friends src -j MINE\n-A MINE -j ACCEPT\n"));
        assert!(!may("DROP", "-A FORWARD -s 192.0.2.0/24 -j ACCEPT\n"));
        assert!(!may("ACCEPT", "-A FORWARD -j DROP\n-A FORWARD -m set --match-set friends src -j ACCEPT\n"));
        assert!(may("ACCEPT", "-A FORWARD -m set --match-set foes src -j DROP\n"));
    }

    #[test]
    fn what_does_not_match_or_is_not_understood_does_not_decide() {
        let rules = "\
-A FORWARD ! -s 10.244.0.0/16 -j DROP
-A FORWARD -o eth0 -j DROP
-A FORWARD -p udp -j DROP
-A FORWARD -p tcp -m tcp --dport 22 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack ! --ctstate RELATED,NEW -j DROP
-A FORWARD -m mark --mark 0x8000/0x8000 -j DROP
-A FORWARD -m set --match-set bad src -j DROP
-A FORWARD -m comment --comment \"-j DROP\" -j OTHER
-A OTHER -j RETURN
-A OTHER -j DROP
";
        assert_eq!(forward("ACCEPT", rules), Verdict::Accepted);
    }
}
