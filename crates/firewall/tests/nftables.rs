//! Kubernetes' nftables tables go, everybody else's stay; judged by `nft list ruleset`.
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

#[path = "../../host/tests/network/mod.rs"]
mod network;

use std::time::Duration;

use firewall::iptables::{read, unseen};
use firewall::nftables::{Layer, Stopped, delete, filters, owned, tables};
use firewall::packet::Packet;
use host::deadline::Deadline;
use network::{out, sh};
use testkit::{Sandbox, require};

#[test]
fn kubernetes_tables_go_and_the_rest_of_the_ruleset_is_the_same() {
    if !require("root") || !require("program:nft") {
        return;
    }
    Sandbox::new().run(|| {
        let deadline = Deadline::after(Duration::from_secs(30));
        for table in ["inet firewalld", "ip mine", "inet kube-proxy", "ip6 flannel-ipv4", "ip netavark"] {
            sh(&format!("nft add table {table}; nft 'add chain {table} c {{ type filter hook input priority 5; }}'"));
            sh(&format!("nft add rule {table} c tcp dport 22 counter accept"));
        }
        let before = out("nft list ruleset");
        for table in ["ip kube-proxy", "ip6 kube-proxy", "ip flannel-ipv4", "ip6 flannel-ipv6"] {
            sh(&format!("nft add table {table}; nft 'add chain {table} services'; nft 'add chain {table} c'"));
            sh(&format!(
                "nft add map {table} m '{{ type inet_service : verdict; elements = {{ 80 : goto services }}; }}'"
            ));
            sh(&format!("nft add rule {table} c tcp dport vmap @m"));
        }
        let ours = owned(&tables(&deadline).unwrap());
        assert_eq!(ours.len(), 4);
        delete(&ours, &deadline).unwrap();
        assert_eq!(out("nft list ruleset"), before);
        assert_eq!(owned(&tables(&deadline).unwrap()), []);
        delete(&ours, &deadline).unwrap();
    });
}

#[test]
fn all_tables_are_listed_as_nft_lists_them_however_many() {
    if !require("root") || !require("program:nft") {
        return;
    }
    Sandbox::new().run(|| {
        let deadline = Deadline::after(Duration::from_secs(30));
        assert_eq!(tables(&deadline).unwrap(), []);
        let long = "n".repeat(200);
        sh(&format!("{{ for f in inet ip ip6 arp bridge netdev; do for i in $(seq 50); do echo add table $f t{long}$i; done; done; }} | nft -f -"));
        let mut listed: Vec<String> = tables(&deadline).unwrap().iter().map(|t| format!("table {t}")).collect();
        let text = out("nft list tables");
        let mut expected: Vec<String> = text.lines().map(str::to_owned).collect();
        listed.sort();
        expected.sort();
        assert_eq!(listed.len(), 300);
        assert_eq!(listed, expected);
    });
}

#[test]
fn tables_that_no_program_shows_are_named() {
    if !require("root") || !require("program:nft") || !require("program:iptables-nft") {
        return;
    }
    Sandbox::new().run(|| {
        let deadline = Deadline::after(Duration::from_secs(30));
        sh("nft add table inet firewalld; nft add table ip6 mine; iptables-nft -t nat -N KUBE-X; ip6tables-nft -t raw -N x");
        let tables = tables(&deadline).unwrap();
        assert_eq!(unseen(&[], &tables).unwrap(), ["ip nat (nftables)", "ip6 raw (nftables)"]);
        assert_eq!(unseen(&read(&deadline).unwrap(), &tables).unwrap(), Vec::<String>::new());
    });
}

/// Two neighbours of this namespace, by links named as flannel's, and a server on the far one.
fn between_two_neighbours() {
    sh("sysctl -qw net.ipv4.ip_forward=1; ip netns add pod; ip netns add away
        ip link add cni0 type veth peer name eth0 netns pod; ip addr add 10.244.1.1/24 dev cni0; ip link set cni0 up
        ip link add flannel.1 type veth peer name eth0 netns away; ip addr add 10.244.2.1/24 dev flannel.1; ip link set flannel.1 up
        ip -n pod addr add 10.244.1.5/24 dev eth0; ip -n pod link set eth0 up; ip -n pod route add default via 10.244.1.1
        ip -n away addr add 10.244.2.5/24 dev eth0; ip -n away link set eth0 up; ip -n away route add default via 10.244.2.1");
    std::thread::spawn(|| {
        let namespace = std::fs::File::open("/run/netns/away").unwrap();
        nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let listener = std::net::TcpListener::bind("10.244.2.5:8096").unwrap();
        listener.incoming().for_each(drop);
    });
    let connect = "ip netns exec pod bash -c 'until (: </dev/tcp/10.244.2.5/8096) 2>/dev/null; do sleep 0.05; done'";
    sh(&format!("timeout 10 {connect}"));
}

/// Whether a connection from the one to the other comes about: the kernel's own word.
fn connects() -> bool {
    let namespace = std::fs::File::open("/run/netns/pod").unwrap();
    let inside = std::thread::spawn(|| {
        nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        let server = "10.244.2.5:8096".parse().unwrap();
        std::net::TcpStream::connect_timeout(&server, Duration::from_millis(400)).is_ok()
    });
    inside.join().unwrap()
}

/// Chain and rule that stop the first packet or its answer, as the rules say.
fn stopped(deadline: &Deadline) -> Option<Stopped> {
    let there = Packet {
        source: "10.244.1.5".parse().unwrap(),
        destination: "10.244.2.5".parse().unwrap(),
        input: "cni0",
        output: "flannel.1",
        protocol: "tcp",
        port: Some(8096),
        answer: false,
        unmarked: false,
    };
    let back = Packet {
        source: there.destination,
        destination: there.source,
        input: there.output,
        output: there.input,
        answer: true,
        port: None,
        ..there.clone()
    };
    let filters = filters(&read(deadline).unwrap(), deadline).unwrap();
    [there, back].iter().find_map(|packet| filters.drops(Layer::Network, packet))
}

#[test]
fn what_the_rules_are_read_to_say_is_what_the_kernel_does() {
    if !["root", "program:nft", "program:iptables-nft", "link:veth"].iter().all(|need| require(need)) {
        return;
    }
    let base = "type filter hook forward priority filter";
    Sandbox::new().empty("/run/netns").run(|| {
        between_two_neighbours();
        let deadline = Deadline::after(Duration::from_secs(60));
        let by_hand = [
            ("accept", ""),
            ("drop", ""),
            ("drop", "accept"),
            ("accept", "drop"),
            ("accept", "counter reject with icmpx admin-prohibited comment \"no | way\""),
            ("drop", "ct state { established, related } accept; iifname \"cni0\" accept"),
            ("drop", "ct state established,related accept; iifname \"eth0\" accept"),
            ("drop", "iifname \"cni0\" accept; ct state vmap { established : accept, invalid : drop }"),
            ("drop", "ct state vmap { new : jump inner, established : accept }"),
            ("drop", "ct state vmap { established : accept, invalid : drop }"),
            ("accept", "jump inner; drop"),
            ("accept", "goto inner; drop"),
            ("accept", "jump refuse"),
            ("accept", "goto refuse"),
            ("drop", "ip saddr @pods ip daddr @pods accept"),
            ("accept", "ip saddr != @pods drop"),
            ("accept", "ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 drop"),
            ("accept", "ip saddr 10.244.1.0-10.244.1.9 drop"),
            ("accept", "tcp dport { 80, 8000-8100 } drop"),
            ("accept", "udp dport 8096 drop; meta l4proto udp drop; ip protocol icmp drop; ip6 saddr ::/0 drop"),
            ("accept", "th dport != 8096 ct state new drop"),
            ("accept", "iifname . oifname { \"cni0\" . \"flannel.1\" } drop"),
            ("accept", "iifname . oifname { \"cni0\" . \"eth0\" } drop"),
            ("accept", "iifname vmap @links"),
            ("accept", "oifname \"flannel*\" drop"),
            ("accept", "iif cni0 oif != flannel.1 drop"),
            ("accept", "meta nfproto ipv4 drop"),
            ("accept", "meta protocol ip6 drop"),
            ("drop", "ct status dnat accept"),
            ("drop", "return; accept"),
        ];
        for (policy, rules) in by_hand {
            let script = format!(
                "table inet mine {{
                   set pods {{ type ipv4_addr; flags interval; elements = {{ 10.244.0.0/16, 192.0.2.1-192.0.2.9 }}; }}
                   map links {{ type ifname : verdict; elements = {{ \"eth0\" : accept, \"cni0\" : jump refuse }}; }}
                   chain inner {{ ip saddr 10.244.0.0/16 accept; return; }}
                   chain refuse {{ meta l4proto tcp reject with tcp reset; }}
                   chain other {{ type filter hook input priority filter; policy drop; }}
                   chain forward {{ {base}; policy {policy}; {rules}
                   }}
                 }}",
            );
            network::feed("nft -f -", &script);
            let found = stopped(&deadline);
            assert_eq!(found.is_none(), connects(), "policy {policy}: {rules}: {found:?}");
            assert!(found.is_none_or(|found| found.certain), "{policy} {rules}");
            sh("nft delete table inet mine");
        }
    });
}

#[test]
fn a_chain_that_drops_is_named_and_doubts_are_told() {
    if !["root", "program:nft", "program:iptables-nft"].iter().all(|need| require(need)) {
        return;
    }
    Sandbox::new().run(|| {
        let deadline = Deadline::after(Duration::from_secs(60));
        let base = "type filter hook forward priority filter";
        let table = |head: &str, rules: &str| format!("table {head}\nchain way {{ {base}; {rules}\n}}\n}}\n");
        let deny = "inet f {\nchain deny { counter drop comment \"house rule\"\n}";
        let cases = [
            (
                table("inet f {", "policy drop;"),
                "table inet f, chain way: its policy is drop, and no rule accepts this",
            ),
            (table("ip filter {", "policy drop;"), "table ip filter, chain way: its policy is drop"),
            (table(deny, "jump deny"), " in chain deny (\"house rule\") drops or rejects it"),
            (
                table("inet f {", "policy drop; meta mark 0x1 accept"),
                "unless a rule before it that is not understood here accepts it",
            ),
            (table("inet f {\nflags dormant;", "policy drop;"), ""),
            (table("inet f {", "meta mark 0x1 drop; limit rate 5/second drop"), ""),
            (table("ip kube-proxy {", "policy drop;"), ""),
            (table("ip6 f {", "policy drop;"), ""),
            (table("inet f {", "policy drop;").replace("hook forward", "hook input"), ""),
        ];
        for (script, words) in cases {
            network::feed("nft -f -", &script);
            let found = stopped(&deadline).map(|found| found.to_string()).unwrap_or_default();
            assert!(found.contains(words) && words.is_empty() == found.is_empty(), "{script}: {found}");
            sh("nft flush ruleset");
        }
        // firewalld 1.3.3's own rules for what it forwards, with the pod network in its zone trusted, and without.
        let trusting = include_str!("data/firewalld.nft");
        let trust = "ip saddr 10.244.0.0/16 goto filter_FWD_trusted";
        for (script, words) in [
            (trusting.to_owned(), ""),
            (trusting.replace(trust, ""), "table inet firewalld, chain filter_FORWARD: the rule with handle"),
        ] {
            network::feed("nft -f -", &script);
            let found = stopped(&deadline);
            let (found, certain) = (found.as_ref().map(ToString::to_string), found.is_none_or(|found| found.certain));
            let found = found.unwrap_or_default();
            assert!(found.contains(words) && words.is_empty() == found.is_empty() && certain, "{found}");
            sh("nft flush ruleset");
        }
        // iptables' own tables are read by iptables, and no program is started for them.
        sh("iptables-nft -P FORWARD DROP; nft add table inet empty; nft delete table inet empty");
        assert_eq!(stopped(&deadline), None);
    });
}
