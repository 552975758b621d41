//! Which checks are planned.

use super::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn args(changes: Value) -> Args {
    let mut options = serde_json::Map::new();
    for option in crate::args::SPEC.options {
        let default = option.default.map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        options.insert(option.name.to_owned(), default);
    }
    options.extend(changes.as_object().unwrap().clone());
    serde_json::from_value(options.into()).unwrap()
}

fn pod(name: &str, ip: &str) -> Pod {
    let netns = format!("/run/netns/{name}").into();
    Pod { id: name.into(), name: name.into(), ip: ip.parse().unwrap(), node: "w1".into(), netns, temporary: false }
}

fn state() -> State {
    State {
        node: "w1".into(),
        pods: vec![pod("d/a", "10.244.1.2"), pod("d/b", "10.244.1.3")],
        dns: Some(("10.96.0.10".parse().unwrap(), "cluster.local".into())),
        gateway: Some("192.168.1.1".parse().unwrap()),
        mtus: [("d/a", 1450), ("d/b", 1450)].map(|(id, size)| (id.to_owned(), size)).into(),
        addresses: BTreeMap::new(),
    }
}

fn lines(args: &Args) -> Vec<String> {
    let checks = of(args, &state()).unwrap();
    checks
        .all
        .iter()
        .map(|(i, c)| format!("{} {} {} {}", checks.sources[*i].name, c.probe.kind(), c.to, c.place.name()))
        .collect()
}

#[test]
fn every_pod_checks_the_others_dns_and_the_gateway() {
    let all = lines(&args(
        json!({"peers": [{"ip": "10.244.2.9", "name": "d/c", "node": "w2"}, "10.244.1.3"], "max_sources": 1}),
    ));
    assert_eq!(
        all,
        [
            "d/a icmp d/b same_node",
            "d/a icmp_mtu d/b same_node",
            "d/a icmp d/c on w2 other_node",
            "d/a icmp_mtu d/c on w2 other_node",
            "d/a dns dns://10.96.0.10/kubernetes.default.svc.cluster.local named",
            "d/a icmp gateway 192.168.1.1 outside",
        ]
    );
}

#[test]
fn named_targets_are_checked_from_the_sources_asked_for() {
    let some = args(json!({"sources": ["d/b", "d/nobody"], "targets": ["http://10.244.0.19:8096/", "tcp://name:1"],
        "dns_server": "", "outside": [], "mtu": false}));
    assert_eq!(lines(&some), ["d/b icmp d/a same_node", "d/b http http://10.244.0.19:8096/ named"]);
    let checks = of(&some, &state()).unwrap();
    assert_eq!(checks.left_out, ["source d/nobody: no such pod runs here", "tcp://name:1: its name has no address"]);
}
