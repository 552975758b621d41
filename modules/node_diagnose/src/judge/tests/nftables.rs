//! Real rulesets in a network namespace of their own, read as on a node.

use super::{healthy, judge};
use crate::finding::Finding;
use firewall::nftables;
use host::deadline::Deadline;
use host::links::{Link, Vxlan};
use host::process::Program;
use node::code::Code;
use std::time::Duration;
use testkit::{Sandbox, require};

/// The finding on a node that is healthy but for these rules.
fn with(ruleset: &str, change: impl Fn(&mut crate::observe::Facts)) -> Option<Finding> {
    let deadline = Deadline::after(Duration::from_secs(20));
    let nft = |args: &[&str], input: &str| {
        let ran = Program::new("nft").args(args).stdin(input).run(&deadline);
        ran.and_then(host::process::Output::success).unwrap();
    };
    nft(&["-f", "-"], ruleset);
    let mut facts = healthy();
    facts.network.filters = nftables::filters(&[], &deadline).unwrap();
    let tunnel = Link { name: "flannel.1".into(), vxlan: Some(Vxlan::default()), up: true, ..Link::default() };
    facts.network.links.push(tunnel);
    change(&mut facts);
    nft(&["flush", "ruleset"], "");
    judge(&facts).into_iter().find(|found| found.kind.code == Code::ForwardDropped)
}

#[test]
fn a_chain_of_nft_that_drops_pods_is_found_with_its_name_and_what_accepts_them() {
    if !require("root") || !require("program:nft") {
        return;
    }
    Sandbox::new().run(|| {
        let chain = |family: &str, rules: &str| {
            format!("table {family} house {{\nchain way {{\ntype filter hook forward priority 0; {rules}\n}}\n}}\n")
        };
        let found = with(&chain("inet", "policy drop;"), |_| ()).unwrap();
        assert_eq!(
            found.evidence,
            ["nftables: table inet house, chain way: its policy is drop, and no rule accepts this"]
        );
        let rule = "nft insert rule inet house way ip saddr 10.244.0.0/16 accept";
        assert!(found.remedy().contains(rule), "{}", found.remedy());
        // The remedy is one: what it says to do ends the finding.
        let mended = "policy drop; ip saddr 10.244.0.0/16 accept; ip daddr 10.244.0.0/16 accept";
        assert!(with(&chain("inet", mended), |_| ()).is_none());
        for (rules, there) in [
            ("policy drop; iifname \"cni0\" accept; ct state established accept", true),
            ("policy drop; iifname { \"cni0\", \"flannel.1\" } accept", false),
            ("iifname \"cni0\" oifname \"cni0\" drop", true),
            ("tcp dport 25 drop; ip daddr 192.168.0.0/16 drop; oifname \"eth0\" drop", false),
            ("policy drop; meta mark 0x1 accept", false),
        ] {
            assert_eq!(with(&chain("inet", rules), |_| ()).is_some(), there, "{rules}");
        }
        // What stays on the bridge meets these chains only by way of br_netfilter, and a bridge's own always.
        let same_node = "iifname \"cni0\" oifname \"cni0\" drop";
        assert!(with(&chain("inet", same_node), |facts| facts.network.br_netfilter = false).is_none());
        assert!(with(&chain("bridge", "policy drop;"), |facts| facts.network.br_netfilter = false).is_some());
    });
}

#[test]
fn firewalld_is_told_to_trust_the_pod_network() {
    if !require("root") || !require("program:nft") {
        return;
    }
    Sandbox::new().run(|| {
        let trusting = include_str!("../../../../../crates/firewall/tests/data/firewalld.nft");
        assert!(with(trusting, |_| ()).is_none());
        let found = with(&trusting.replace("ip saddr 10.244.0.0/16 goto filter_FWD_trusted", ""), |_| ()).unwrap();
        assert!(found.evidence[0].contains("table inet firewalld, chain filter_FORWARD"), "{:?}", found.evidence);
        assert!(found.remedy().contains("--zone=trusted --add-source=10.244.0.0/16"), "{}", found.remedy());
    });
}
