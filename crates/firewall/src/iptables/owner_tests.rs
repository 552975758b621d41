//! Which chains are claimed, on the real node's rules and beside other people's.

use super::*;
use crate::iptables::save::parse;

const REAL_NODE: &[u8] = include_bytes!("../../tests/data/iptables-save.txt");

fn owner() -> Owner {
    Owner { pod_networks: vec!["10.244.0.0/16".parse().unwrap()], ..Owner::default() }
}

fn nat(rules: &str) -> Table {
    let mut chains: Vec<&str> = rules.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    chains.extend(rules.lines().filter_map(|line| line.rsplit_once("-j ").map(|(_, target)| target)));
    chains.sort_unstable();
    chains.dedup();
    let declared: String = chains
        .iter()
        .filter(|name| !["ACCEPT", "DROP", "MASQUERADE", "RETURN", "MARK"].contains(name))
        .map(|name| match *name {
            "PREROUTING" | "POSTROUTING" | "OUTPUT" | "FORWARD" | "INPUT" => format!(":{name} ACCEPT [0:0]\n"),
            _ => format!(":{name} - [0:0]\n"),
        })
        .collect();
    let text = format!("*nat\n{declared}{rules}COMMIT\n");
    parse(text.as_bytes()).unwrap().tables.remove(0)
}

#[test]
fn claims_all_of_a_real_node_that_has_nothing_else() {
    for table in parse(REAL_NODE).unwrap().tables {
        let claim = claim(&table, &owner());
        assert_eq!(claim.held, Vec::<String>::new());
        let left: Vec<_> = table.chains.iter().filter(|c| !claim.chains.contains(&c.name)).collect();
        assert!(left.iter().all(|chain| chain.policy.is_some()), "{left:?}");
        let jumps = table.rules.iter().filter(|rule| table.chain(&rule.chain).unwrap().policy.is_some()).count();
        assert_eq!(claim.rules.len(), jumps, "every rule in a built-in chain of {} leads to ours", table.name);
    }
}

#[test]
fn a_name_or_comment_that_only_contains_kube_is_somebody_elses() {
    let table = nat("\
-A INPUT -m comment --comment \"allow KUBE-SERVICES -j KUBE-X\" -j ACCEPT
-A INPUT -j MY-KUBE-THING
-A MY-KUBE-THING -j ACCEPT
-A INPUT -j DOCKER-USER
-A INPUT -j NETAVARK_INPUT
-A INPUT -j LIBVIRT_INP
-A INPUT -j ufw-before-input
-A INPUT -j IN_public
-A INPUT -j kube-lower
-A INPUT -j CALIFORNIA
");
    assert!(claim(&table, &owner()).is_empty());
}

#[test]
fn only_the_jump_goes_from_somebody_elses_chain() {
    let table = nat("\
-A INPUT -s 10.1.1.1/32 -j ACCEPT
-A INPUT -j KUBE-FIREWALL
-A DOCKER-USER -g KUBE-FIREWALL
-A DOCKER-USER -j RETURN
-A KUBE-FIREWALL -j DOCKER-USER
");
    let claim = claim(&table, &owner());
    assert_eq!(claim.chains, ["KUBE-FIREWALL"]);
    assert_eq!(claim.rules, [1, 2]);
}

#[test]
fn chains_of_podmans_cni_network_are_held_with_all_they_need() {
    let table = nat("\
-A PREROUTING -j CNI-HOSTPORT-DNAT
-A POSTROUTING -j CNI-HOSTPORT-MASQ
-A POSTROUTING -s 10.88.0.5/32 -m comment --comment \"name: \\\"podman\\\" id: \\\"11\\\"\" -j CNI-aaaa
-A POSTROUTING -s 10.244.0.5/32 -m comment --comment \"name: \\\"cbr0\\\" id: \\\"22\\\"\" -j CNI-bbbb
-A CNI-HOSTPORT-DNAT -m comment --comment \"dnat name: \\\"podman\\\" id: \\\"11\\\"\" -j CNI-DN-aaaa
-A CNI-HOSTPORT-DNAT -m comment --comment \"dnat name: \\\"cbr0\\\" id: \\\"22\\\"\" -j CNI-DN-bbbb
-A CNI-DN-aaaa -p tcp -j CNI-HOSTPORT-SETMARK
-A CNI-DN-bbbb -p tcp -j CNI-HOSTPORT-SETMARK
-A CNI-aaaa -m comment --comment \"name: \\\"podman\\\" id: \\\"11\\\"\" -j MASQUERADE
-A CNI-bbbb -m comment --comment \"name: \\\"cbr0\\\" id: \\\"22\\\"\" -j MASQUERADE
");
    let claim = claim(&table, &owner());
    assert_eq!(claim.chains, ["CNI-DN-bbbb", "CNI-bbbb"]);
    assert_eq!(claim.rules, [3, 5]);
    assert_eq!(
        claim.held,
        ["CNI-DN-aaaa", "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-MASQ", "CNI-HOSTPORT-SETMARK", "CNI-aaaa"]
    );
}

#[test]
fn the_firewall_plugins_chain_keeps_other_networks_and_the_administrators_rules() {
    let rules = "\
-A FORWARD -j CNI-FORWARD
-A CNI-FORWARD -j CNI-ADMIN
-A CNI-FORWARD -d 10.244.0.5/32 -j ACCEPT
-A CNI-FORWARD -s 10.244.0.5/32 -j ACCEPT
";
    assert_eq!(claim(&nat(rules), &owner()).chains, ["CNI-ADMIN", "CNI-FORWARD"]);
    let podmans = claim(&nat(&format!("{rules}-A CNI-FORWARD -d 10.88.0.5/32 -j ACCEPT\n")), &owner());
    assert_eq!((podmans.chains.len(), podmans.rules), (0, vec![2, 3]));
    let admins = claim(&nat(&format!("{rules}-A CNI-ADMIN -s 192.0.2.1/32 -j DROP\n")), &owner());
    assert_eq!((admins.held, admins.rules), (vec!["CNI-ADMIN".to_owned(), "CNI-FORWARD".to_owned()], vec![2, 3]));
}
