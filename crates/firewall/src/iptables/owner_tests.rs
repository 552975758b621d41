//! Which chains are claimed, on the real node's rules and beside other people's.

use super::*;
use crate::iptables::save::parse;

const REAL_NODE: &[u8] = include_bytes!("../../tests/data/iptables-save.txt");

fn owner() -> Owner {
    let networks = ["cbr0", "cni0"].map(str::to_owned).into();
    let pods: Vec<Cidr> = vec!["10.244.0.0/16".parse().unwrap()];
    Owner { pod_networks: pods.clone(), networks, flannel: pods }
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
-A INPUT -m comment --comment \"kubernetes load balancer firewall\" -j KUBE-FIREWALL
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
-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT
-A POSTROUTING -j CNI-HOSTPORT-MASQ
-A POSTROUTING -s 10.88.0.5/32 -m comment --comment \"name: \\\"podman\\\" id: \\\"11\\\"\" -j CNI-aaaaaaaaaaaaaaaaaaaaaaaa
-A POSTROUTING -s 10.244.0.5/32 -m comment --comment \"name: \\\"cbr0\\\" id: \\\"22\\\"\" -j CNI-bbbbbbbbbbbbbbbbbbbbbbbb
-A CNI-HOSTPORT-DNAT -m comment --comment \"dnat name: \\\"podman\\\" id: \\\"11\\\"\" -j CNI-DN-aaaaaaaaaaaaaaaaaaaaa
-A CNI-HOSTPORT-DNAT -m comment --comment \"dnat name: \\\"cbr0\\\" id: \\\"22\\\"\" -j CNI-DN-bbbbbbbbbbbbbbbbbbbbb
-A CNI-DN-aaaaaaaaaaaaaaaaaaaaa -p tcp -j CNI-HOSTPORT-SETMARK
-A CNI-DN-bbbbbbbbbbbbbbbbbbbbb -p tcp -j CNI-HOSTPORT-SETMARK
-A CNI-aaaaaaaaaaaaaaaaaaaaaaaa -m comment --comment \"name: \\\"podman\\\" id: \\\"11\\\"\" -j MASQUERADE
-A CNI-bbbbbbbbbbbbbbbbbbbbbbbb -m comment --comment \"name: \\\"cbr0\\\" id: \\\"22\\\"\" -j MASQUERADE
");
    let claim = claim(&table, &owner());
    assert_eq!(claim.chains, ["CNI-DN-bbbbbbbbbbbbbbbbbbbbb", "CNI-bbbbbbbbbbbbbbbbbbbbbbbb"]);
    assert_eq!(claim.rules, [3, 5]);
    assert_eq!(
        claim.held,
        [
            "CNI-DN-aaaaaaaaaaaaaaaaaaaaa",
            "CNI-HOSTPORT-DNAT",
            "CNI-HOSTPORT-MASQ",
            "CNI-HOSTPORT-SETMARK",
            "CNI-aaaaaaaaaaaaaaaaaaaaaaaa"
        ]
    );
}

#[test]
fn the_firewall_plugins_chain_keeps_other_networks_and_the_administrators_rules() {
    let rules = "\
-A FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-ADMIN
-A CNI-FORWARD -d 10.244.0.5/32 -j ACCEPT
-A CNI-FORWARD -s 10.244.0.5/32 -j ACCEPT
";
    assert_eq!(claim(&nat(rules), &owner()).chains, ["CNI-ADMIN", "CNI-FORWARD"]);
    let podmans = claim(&nat(&format!("{rules}-A CNI-FORWARD -d 10.88.0.5/32 -j ACCEPT\n")), &owner());
    assert_eq!((podmans.chains.len(), podmans.rules), (0, vec![2, 3]));
    let admins = claim(&nat(&format!("{rules}-A CNI-ADMIN -s 192.0.2.1/32 -j DROP\n")), &owner());
    assert_eq!((admins.held, admins.rules), (vec!["CNI-ADMIN".to_owned(), "CNI-FORWARD".to_owned()], vec![2, 3]));
}

#[test]
fn chains_that_only_have_a_name_of_kubernetes_are_kept_and_named() {
    let table = nat("\
-A INPUT -j KUBE-BACKUP
-A KUBE-BACKUP -s 10.0.0.1/32 -j ACCEPT
-A INPUT -j KUBE-FORWARD
-A KUBE-FORWARD -s 10.0.0.0/8 -j ACCEPT
-A INPUT -j CNI-LAB
-A CNI-LAB -j DROP
-A INPUT -j KUBE-SVC-BACKUP
-A KUBE-SVC-BACKUP -j DROP
-A INPUT -j FLANNEL-FWD
-A FLANNEL-FWD -s 192.168.0.0/16 -j ACCEPT
-A INPUT -j CNI-cccccccccccccccccccccccc
-A CNI-cccccccccccccccccccccccc -s 10.0.0.1/32 -j DROP
");
    let claim = claim(&table, &owner());
    assert!(claim.is_empty(), "{claim:?}");
    assert_eq!(claim.unproved.len(), 6, "{claim:?}");
}

#[test]
fn networks_that_are_not_kubernetes_are_held_also_when_no_pod_network_is_known() {
    let rules = "\
-A FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-FORWARD
-A CNI-FORWARD -m comment --comment \"CNI firewall plugin rules\" -j CNI-ADMIN
-A CNI-FORWARD -d 10.88.0.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A CNI-FORWARD -s 10.88.0.2/32 -j ACCEPT
-A POSTROUTING -s 10.88.0.2/32 -m comment --comment \"name: \\\"lan\\\" id: \\\"1\\\"\" -j CNI-aaaaaaaaaaaaaaaaaaaaaaaa
-A CNI-aaaaaaaaaaaaaaaaaaaaaaaa -d 10.88.0.0/16 -m comment --comment \"name: \\\"lan\\\" id: \\\"1\\\"\" -j ACCEPT
";
    for owner in [owner(), Owner::default()] {
        let claim = claim(&nat(rules), &owner);
        assert!(claim.is_empty(), "{claim:?}");
        assert_eq!(claim.held.len(), 3, "{claim:?}");
    }
}

#[test]
fn flannels_rules_without_a_chain_and_weaves_drop_go() {
    let flannel = nat("\
-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.2.0/24 -j RETURN
-A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully
-A POSTROUTING -s 10.244.0.0/16 -o eth0 -j MASQUERADE
");
    assert_eq!(claim(&flannel, &owner()).rules, [0, 1]);
    assert!(claim(&flannel, &Owner::default()).is_empty());
    let mut weave = nat("\
-A FORWARD -i weave -m comment --comment \"NOTE: this must go before '-j KUBE-FORWARD'\" -j WEAVE-NPC
-A FORWARD -o weave -j DROP
-A FORWARD -o weave -s 10.0.0.1/32 -j DROP
-A WEAVE-NPC -j WEAVE-NPC-DEFAULT
");
    weave.name = "filter".to_owned();
    let claim = claim(&weave, &owner());
    assert_eq!((claim.chains.len(), claim.rules), (2, vec![0, 1]));
}
