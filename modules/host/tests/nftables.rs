//! Kubernetes' nftables tables go, everybody else's stay; judged by `nft list ruleset`.
#![cfg(feature = "nftables")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod network;

use std::time::Duration;

use host::deadline::Deadline;
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
        let ours = owned(&tables(&deadline).unwrap().unwrap());
        assert_eq!(ours.len(), 4);
        delete(&ours, &deadline).unwrap();
        assert_eq!(out("nft list ruleset"), before);
        assert_eq!(owned(&tables(&deadline).unwrap().unwrap()), []);
        delete(&ours, &deadline).unwrap();
    });
}
