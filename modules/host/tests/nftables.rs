//! Kubernetes' nftables tables go, everybody else's stay; judged by `nft list ruleset`.
#![cfg(feature = "iptables")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod network;

use std::time::Duration;

use host::deadline::Deadline;
use host::iptables::{read, unseen};
use host::nftables::{delete, owned, tables};
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
