//! Kubernetes' chains leave the real tables of a network namespace, and nothing else does.
//!
//! Oracles: `iptables-save` of every back end, and `nft list ruleset`.
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

#[path = "../../host/tests/network/mod.rs"]
mod network;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use firewall::iptables::{Owner, read, removals, remove};
use host::deadline::Deadline;
use network::{feed, out, sh};
use testkit::{Sandbox, require};

const REAL_NODE: &str = include_str!("data/iptables-save.txt");
const OTHERS: &str = include_str!("data/others-rules.txt");
const TOOLS: [&str; 4] = ["iptables-legacy", "iptables-nft", "ip6tables-legacy", "ip6tables-nft"];

fn ready() -> bool {
    require("root") && TOOLS.iter().all(|tool| require(&format!("program:{tool}")))
}

fn minute() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn owner() -> Owner {
    let networks = ["cbr0", "cni0"].map(str::to_owned).into();
    Owner { pod_networks: vec!["10.244.0.0/16".parse().unwrap()], networks, ..Owner::default() }
}

/// Everything removed, as a module would; how many tables had something.
fn clean() -> usize {
    let plan = removals(&read(&minute()).unwrap(), &owner());
    remove(&plan, &owner(), &minute()).unwrap();
    plan.len()
}

/// The text of every table of every back end, without the comments that carry the time.
fn saved() -> BTreeMap<String, String> {
    let mut tables = BTreeMap::new();
    for tool in TOOLS {
        let save = out(&format!("{tool}-save -c"));
        let lines: Vec<&str> = save.lines().filter(|line| !line.starts_with('#')).collect();
        for table in lines.split_inclusive(|line| *line == "COMMIT") {
            tables.insert(format!("{tool} {}", table[0]), table.join("\n"));
        }
    }
    tables
}

/// The real node's rules, without the policies of built-in chains: those are the administrator's.
fn real_node() -> String {
    REAL_NODE.lines().filter(|line| !line.contains(" ACCEPT [")).fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn a_real_nodes_rules_go_and_other_peoples_stay_byte_for_byte_in_every_back_end() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        for tool in TOOLS {
            feed(&format!("{tool}-restore"), OTHERS);
        }
        let (before, ruleset) = (saved(), out("nft list ruleset"));
        for tool in ["iptables-legacy", "iptables-nft"] {
            feed(&format!("{tool}-restore --noflush"), &real_node());
        }
        for tool in ["ip6tables-legacy", "ip6tables-nft"] {
            sh(&format!("{tool} -t nat -N KUBE-SERVICES && {tool} -t nat -I OUTPUT 1 -j KUBE-SERVICES"));
        }
        assert!(clean() > 0);
        let after = saved();
        for (place, table) in &before {
            assert_eq!(Some(table), after.get(place), "{place}");
        }
        // What Kubernetes was the first to use stays as an empty table: somebody may have taken to it since.
        let left = after.iter().filter(|(place, _)| !before.contains_key(*place));
        assert!(left.into_iter().all(|(_, table)| !table.contains("-A ") && !table.contains(" - [")));
        let filter = |text: &str| text.split("table ip ").filter(|t| t.starts_with("filter")).collect::<String>();
        assert_eq!(filter(&out("nft list ruleset")), filter(&ruleset));
        assert_eq!(clean(), 0, "the second run finds nothing");
        assert_eq!(saved(), after);
    });
}

#[test]
fn no_legacy_table_comes_into_being_by_looking() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        sh("iptables-nft -N KUBE-FIREWALL");
        assert_eq!(clean(), 1);
        assert_eq!(std::fs::read_to_string("/proc/net/ip_tables_names").unwrap(), "");
        assert_eq!(out("nft list tables"), "table ip filter\n");
    });
}

#[test]
fn policies_and_counters_survive() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        for tool in ["iptables-legacy", "iptables-nft"] {
            sh(&format!("{tool} -N KUBE-FIREWALL"));
            sh(&format!("{tool} -A INPUT -j KUBE-FIREWALL"));
            sh(&format!("{tool} -A INPUT -p tcp --dport 22 -j ACCEPT -c 7 700"));
            sh(&format!("{tool} -P INPUT DROP && {tool} -P FORWARD DROP"));
        }
        clean();
        for tool in ["iptables-legacy", "iptables-nft"] {
            let save = out(&format!("{tool}-save -c"));
            assert!(save.contains(":INPUT DROP") && save.contains(":FORWARD DROP"), "{save}");
            assert!(save.contains("[7:700] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"), "{save}");
        }
    });
}

#[test]
fn a_rule_that_iptables_restore_cannot_read_back_goes_too() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        for tool in ["iptables-legacy", "iptables-nft"] {
            sh(&format!("{tool} -N KUBE-FIREWALL"));
            sh(&format!("{tool} -A INPUT -s 192.0.2.1 -j ACCEPT"));
            sh(&format!("{tool} -A INPUT -m comment --comment 'two\nlines \"quoted\" \\' -j KUBE-FIREWALL"));
            sh(&format!("{tool} -A INPUT -s 192.0.2.2 -j ACCEPT"));
        }
        assert_eq!(clean(), 2);
        for tool in ["iptables-legacy", "iptables-nft"] {
            let save = out(&format!("{tool}-save"));
            let rules: Vec<_> = save.lines().filter(|line| line.starts_with("-A")).collect();
            assert_eq!(rules, ["-A INPUT -s 192.0.2.1/32 -j ACCEPT", "-A INPUT -s 192.0.2.2/32 -j ACCEPT"]);
        }
    });
}

/// kube-proxy's name for a service's chain: a hash of 16 characters in base32.
fn service(number: usize) -> String {
    let digit = |at: u32| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[number >> (5 * at) & 31]);
    format!("KUBE-SVC-AAAAAAAAAAAAA{}{}{}", digit(2), digit(1), digit(0))
}

#[test]
fn five_hundred_chains_and_five_thousand_rules_are_fast() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        let chains: String = (0..500).map(|n| format!(":{} - [0:0]\n", service(n))).collect();
        let rules: String = (0..5000)
            .map(|n| format!("-A {} -s 10.244.{}.{}/32 -j {}\n", service(n % 499), n / 250, n % 250, service(499)))
            .collect();
        let text =
            format!("*nat\n:MINE - [0:0]\n{chains}-A OUTPUT -j MINE\n-A OUTPUT -j {}\n{rules}COMMIT\n", service(0));
        for tool in ["iptables-legacy", "iptables-nft"] {
            feed(&format!("{tool}-restore"), &text);
            let started = Instant::now();
            assert_eq!(clean(), 1);
            let took = started.elapsed();
            eprintln!("{tool}: 500 chains, 5,000 rules removed in {took:?}");
            assert!(took < Duration::from_secs(5), "{tool}: {took:?}");
            assert!(out(&format!("{tool}-save")).contains("-A OUTPUT -j MINE"));
        }
    });
}

#[test]
fn a_table_that_iptables_cannot_show_whole_is_left_to_nft() {
    if !ready() || !require("program:nft") {
        return;
    }
    Sandbox::new().run(|| {
        sh("iptables-nft -N KUBE-FIREWALL");
        sh("iptables-nft -A INPUT -m addrtype --dst-type LOCAL -j KUBE-FIREWALL");
        sh("iptables-nft -A INPUT -s 192.0.2.1 -j ACCEPT");
        sh("nft 'add set ip filter admins { type ipv4_addr; }'");
        sh("nft 'add rule ip filter INPUT ip saddr @admins meta cpu 3 drop'");
        sh("iptables-nft -N KUBE-FORWARD && iptables-nft -A KUBE-FORWARD -j KUBE-FIREWALL");
        // The case this test is about: the program itself fails.
        sh("! iptables-nft-save > /dev/null");
        assert_eq!(clean(), 1);
        let left = out("nft list table ip filter");
        assert!(left.contains("ip saddr @admins meta cpu 3 drop") && left.contains("ip saddr 192.0.2.1"), "{left}");
        assert!(!left.contains("KUBE-"), "{left}");
        assert_eq!(clean(), 0);
    });
}

/// Why the `iptables` crate is not what deletes: docs/decisions/iptables-restore.md.
#[test]
fn a_quoted_rule_that_the_iptables_crate_cannot_delete_goes() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        let fixture = iptables::new(false).unwrap();
        fixture.new_chain("nat", "CNI-001100110011001100110011").unwrap();
        sh(r#"iptables -t nat -A POSTROUTING -m comment --comment 'name: "cni0" id: "a0"' -j CNI-001100110011001100110011"#);
        let rule = fixture.list("nat", "POSTROUTING").unwrap().pop().unwrap();
        let rule = rule.strip_prefix("-A POSTROUTING ").unwrap();
        assert!(
            fixture.delete("nat", "POSTROUTING", rule).is_err(),
            "the crate has learned to: look at the decision again"
        );
        assert!(fixture.list("nat", "POSTROUTING").unwrap().len() == 2);
        clean();
        assert_eq!(fixture.list("nat", "POSTROUTING").unwrap(), ["-P POSTROUTING ACCEPT"]);
    });
}
