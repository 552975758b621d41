//! The firewall, as a packet of a pod meets it.

use super::*;

#[test]
fn the_firewall_is_read_as_a_packet_of_a_pod_would() {
    let filter = |policy: &str, rules: &str| {
        format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n:FLANNEL-FWD - [0:0]\n:KUBE-FORWARD - [0:0]\n{rules}COMMIT\n"
        )
    };
    for (policy, rules_text, dropped) in [
        ("DROP", "", true),
        ("ACCEPT", "", false),
        ("DROP", "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n", false),
        ("DROP", "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n", false),
        ("DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", true),
        ("DROP", "-A FORWARD -i docker0 -j ACCEPT\n", true),
        ("ACCEPT", "-A FORWARD -i cni0 -j DROP\n", true),
        ("ACCEPT", "-A FORWARD -p tcp -m tcp --dport 25 -j DROP\n", false),
        ("ACCEPT", "-A FORWARD -j FLANNEL-FWD\n-A FORWARD -j DROP\n", false),
    ] {
        let mut facts = healthy();
        // One back end only: the same rules in two of them would be a finding of its own.
        facts.network.firewall = rules(&filter(policy, rules_text)).into_iter().take(1).collect();
        if facts.network.firewall.is_empty() {
            assert_ne!(std::env::var("STRICT").as_deref(), Ok("1"), "iptables is not installed");
            eprintln!("SKIP: iptables is not installed");
            return;
        }
        let found = judge(&facts);
        let has = found.iter().any(|f| f.kind.code == Code::ForwardDropped);
        assert_eq!(has, dropped, "{policy} {rules_text}");
    }
}

#[test]
fn rules_of_kubernetes_in_both_back_ends_are_found() {
    let mut facts = healthy();
    facts.network.firewall =
        rules("*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n");
    if facts.network.firewall.len() < 4 {
        assert_ne!(std::env::var("STRICT").as_deref(), Ok("1"), "iptables lacks a back end");
        eprintln!("SKIP: iptables lacks a back end");
        return;
    }
    assert_eq!(primary(&judge(&facts)).unwrap().kind.code, Code::IptablesBackendsMixed);
}

#[test]
fn a_tunnel_that_the_firewall_lets_through_is_no_finding() {
    for rules in [
        "-A INPUT -p udp -m udp --dport 4789 -j DROP",
        "-A INPUT -i eth1 -j DROP",
        "-A INPUT -s 10.0.0.0/24 -j ACCEPT\n-A INPUT -j DROP",
        "-A INPUT -m set --match-set nodes src -j ACCEPT\n-A INPUT -j DROP",
    ] {
        let mut facts = healthy();
        faults::tunnel(&mut facts);
        faults::filter(&mut facts, rules);
        assert!(judge(&facts).is_empty(), "{rules}");
    }
}
