//! The rules that masquerade, of each flannel, whole and with one of them taken away.

use super::*;
use firewall::nftables::Filters;

/// POSTROUTING of a node of a real 1.28.7 with flannel 0.16, which has had another subnet before.
const PLAIN: &str = "-A POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING
-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.2.0/24 -j RETURN
-A POSTROUTING -s 10.244.0.0/16 -d 10.244.0.0/16 -j RETURN
-A POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully
-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.1.0/24 -j RETURN
-A POSTROUTING ! -s 10.244.0.0/16 -d 10.244.0.0/16 -j MASQUERADE --random-fully
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully
";
/// As flannel has it since it has a chain of its own (pkg/trafficmngr/iptables: masqRules).
const CHAIN: &str = "-A POSTROUTING -m comment --comment \"flanneld masq\" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment \"flanneld masq\" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.1.0/24 -d 10.244.0.0/16 -m comment --comment \"flanneld masq\" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.0.0/16 -d 10.244.1.0/24 -m comment --comment \"flanneld masq\" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.1.0/24 -m comment --comment \"flanneld masq\" -j RETURN
-A FLANNEL-POSTRTG -s 10.244.0.0/16 ! -d 224.0.0.0/4 -m comment --comment \"flanneld masq\" -j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.0.0/16 -m comment --comment \"flanneld masq\" -j MASQUERADE --random-fully
";

fn with(rules: &str, tables: Filters) -> Kernel {
    let chains = ":POSTROUTING ACCEPT [0:0]\n:KUBE-POSTROUTING - [0:0]\n";
    let own = if rules.contains("-A FLANNEL-POSTRTG") { ":FLANNEL-POSTRTG - [0:0]\n" } else { "" };
    let save = iptables::parse(format!("*nat\n{chains}{own}{rules}COMMIT\n").as_bytes()).unwrap();
    let nat = save.tables.into_iter().map(|table| (Family::V4, table)).collect();
    let written = Written { masquerade: true, ..healthy().written };
    Kernel { nat: Some(nat), tables: Some(tables), written, ..healthy() }
}

fn told(kernel: &Kernel) -> Vec<String> {
    said(&own(), &[peer()], kernel)
}

#[test]
fn each_rule_of_each_flannel_of_iptables_is_missed_by_what_becomes_of_a_packet() {
    let out = "no rule masquerades what pods send out of the cluster";
    let among = "excepts what pods send to pods of other nodes is missing";
    let onward = "goes on to pods of other nodes";
    let inward = "excepts what comes from outside to this node's pods is missing";
    for (rules, wanted) in [
        (PLAIN, [None, None, Some(among), Some(out), None, Some(onward)].as_slice()),
        // The mark's rule is kube-proxy's affair; the second exception is of no use to this node's own packets.
        (CHAIN, [Some(out), None, Some(among), None, Some(inward), Some(out), Some(onward)].as_slice()),
    ] {
        assert_eq!(told(&with(rules, Filters::default())), [""; 0]);
        for (index, wanted) in wanted.iter().enumerate() {
            let kept = rules.lines().enumerate().filter(|(line, _)| *line != index);
            let kept: String = kept.map(|(_, line)| format!("{line}\n")).collect();
            let told = told(&with(&kept, Filters::default()));
            match wanted {
                Some(words) => assert!(told.len() == 1 && told[0].contains(words), "without line {index}: {told:?}"),
                None => assert_eq!(told, [""; 0], "without line {index}"),
            }
        }
    }
    assert!(told(&with("", Filters::default()))[0].contains(out));
}

#[test]
fn somebodys_own_rule_that_masquerades_is_as_good_and_one_that_does_more_is_theirs() {
    let others = "-A POSTROUTING -s 10.244.0.0/16 ! -d 10.0.0.0/8 -j MASQUERADE\n-A POSTROUTING -d 10.244.0.0/16 ! -s 10.244.0.0/16 -j SNAT --to-source 10.0.0.1\n";
    assert_eq!(told(&with(others, Filters::default())), [""; 0]);
    assert_eq!(
        told(&with(&format!("{CHAIN}-A POSTROUTING -o flannel.1 -j MASQUERADE\n"), Filters::default())),
        [""; 0]
    );
}

#[test]
fn rules_that_cannot_be_read_or_are_not_wanted_are_not_missed() {
    assert_eq!(told(&Kernel { nat: None, ..with("", Filters::default()) }), [""; 0]);
    assert_eq!(told(&Kernel { tables: None, ..with("", Filters::default()) }), [""; 0]);
    let mut unwanted = with("", Filters::default());
    unwanted.written.masquerade = false;
    assert_eq!(told(&unwanted), [""; 0]);
}

/// `nft -j list table ip flannel-ipv4`, as flannel makes it (pkg/trafficmngr/nftables: addMasqRules).
fn table() -> serde_json::Value {
    let prefix = |address: &str, length: u8| json!({"prefix": {"addr": address, "len": length}});
    let (network, subnet) = (prefix("10.244.0.0", 16), prefix("10.244.1.0", 24));
    let field = |name: &str| json!({"payload": {"protocol": "ip", "field": name}});
    let is = |name: &str, op: &str, right: &serde_json::Value| json!({"match": {"op": op, "left": field(name), "right": right}});
    let masquerade = json!({"masquerade": {"flags": "fully-random"}});
    let back = json!({"return": null});
    let mark = json!({"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 0x4000}});
    let rules = [
        vec![mark, back.clone()],
        vec![is("saddr", "==", &subnet), is("daddr", "==", &network), back.clone()],
        vec![is("saddr", "==", &network), is("daddr", "==", &subnet), back.clone()],
        vec![is("saddr", "!=", &subnet), is("daddr", "==", &network), back],
        vec![is("saddr", "==", &network), is("daddr", "!=", &prefix("224.0.0.0", 4)), masquerade.clone()],
        vec![is("saddr", "!=", &network), is("daddr", "==", &network), masquerade],
    ];
    let in_table = |mut object: serde_json::Value| {
        object["family"] = "ip".into();
        object["table"] = "flannel-ipv4".into();
        object
    };
    let chain = json!({"name": "postrtg", "type": "nat", "hook": "postrouting", "prio": 100, "policy": "accept"});
    let mut all = vec![json!({"table": {"family": "ip", "name": "flannel-ipv4"}}), json!({"chain": in_table(chain)})];
    let rule =
        |(handle, expr): (usize, &Vec<serde_json::Value>)| json!({"chain": "postrtg", "handle": handle, "expr": expr});
    all.extend(rules.iter().enumerate().map(rule).map(|rule| json!({"rule": in_table(rule)})));
    json!({ "nftables": all })
}

#[test]
fn the_tables_of_nftables_are_missed_the_same_way() {
    let without = |gone: &[usize]| {
        let mut answer = table();
        let all = answer["nftables"].as_array_mut().unwrap();
        all.retain(|object| !gone.iter().any(|handle| object["rule"]["handle"] == *handle));
        told(&with("", Filters::of(&answer)))
    };
    assert_eq!(without(&[]), [""; 0]);
    assert!(without(&[4])[0].contains("no rule masquerades what pods send out of the cluster"));
    assert!(without(&[1])[0].contains("excepts what pods send to pods of other nodes is missing"));
    // Two of flannel's rules except it, one after the other.
    assert_eq!(without(&[3])[..0], [""; 0]);
    assert!(without(&[0, 1, 2, 3, 4, 5])[0].contains("no rule masquerades"));
}
