//! flannel's path as the kernel has it, against what flannel wrote down.
#![allow(clippy::disallowed_methods, reason = "the tests write what is to be read")]

use super::*;
use host::links::{Address, Vxlan};
use host::routes::NextHop;
use serde_json::json;

fn node(name: &str, third: u8, mac: &str, ip: &str) -> Notes {
    let data = json!({"VNI": 1, "VtepMAC": mac}).to_string();
    let annotations = json!({"flannel.alpha.coreos.com/backend-type": "vxlan", "flannel.alpha.coreos.com/public-ip": ip,
        "flannel.alpha.coreos.com/backend-data": data});
    let value = json!({"metadata": {"name": name, "annotations": annotations},
        "spec": {"podCIDR": format!("10.244.{third}.0/24")}, "status": {"addresses": [{"address": ip}, {"address": name}]}});
    Notes::of(&value).unwrap()
}

fn own() -> Notes {
    node("w1", 1, "AA:AA:AA:AA:AA:01", "10.0.0.1")
}

fn peer() -> Notes {
    node("cp1", 0, "aa:aa:aa:aa:aa:00", "10.0.0.9")
}

fn healthy() -> Kernel {
    let address = |ip: &str, prefix| Address { ip: ip.parse().unwrap(), prefix };
    let eth0 =
        Link { index: 2, name: "eth0".into(), up: true, addresses: vec![address("10.0.0.1", 24)], ..Link::default() };
    let vxlan = Vxlan { id: 1, port: 8472, local: "10.0.0.1".parse().ok(), over: Some(2) };
    let tunnel = Link {
        index: 7,
        name: "flannel.1".into(),
        kind: "vxlan".into(),
        mac: "aa:aa:aa:aa:aa:01".into(),
        up: true,
        vxlan: Some(vxlan),
        ..Link::default()
    };
    let hop = NextHop { link: Some(7), gateway: "10.244.0.0".parse().ok(), onlink: true };
    let route = Route {
        destination: "10.244.0.0/24".parse().unwrap(),
        hops: vec![hop],
        table: MAIN,
        protocol: 3,
        scope: 0,
        kind: "unicast",
        metric: 0,
        source: None,
    };
    Kernel {
        links: vec![eth0, tunnel],
        routes: vec![route],
        neighbours: vec![Neighbour { link: 7, ip: "10.244.0.0".parse().unwrap(), mac: "aa:aa:aa:aa:aa:00".into() }],
        forwarding: vec![Forwarding { link: 7, mac: "aa:aa:aa:aa:aa:00".into(), to: "10.0.0.9".parse().unwrap() }],
        port: Some(8472),
    }
}

#[test]
fn a_way_that_is_as_flannel_noted_it_has_nothing_to_tell() {
    assert_eq!(wrong(&own(), &[own(), peer()], &healthy()), [""; 0]);
    // Of another back end, or without an address yet: flanneld passes it over, too.
    let mut young = peer();
    young.subnet = None;
    let other = Notes { backend: "host-gw".into(), ..peer() };
    assert_eq!(wrong(&own(), &[young, other], &Kernel { routes: vec![], ..healthy() }), [""; 0]);
}

#[test]
fn each_thing_that_differs_is_told_with_both_sides() {
    type Change = fn(&mut Kernel);
    let faults: [(&str, Change); 11] = [
        ("other nodes send to aa:aa:aa:aa:aa:01", |k| k.links[1].mac = "02:00:00:00:00:01".into()),
        ("has the VNI 5, this Node's annotation says 1", |k| k.links[1].vxlan.as_mut().unwrap().id = 5),
        ("uses UDP port 4789, flannel's configuration says 8472", |k| k.links[1].vxlan.as_mut().unwrap().port = 4789),
        ("sends from 10.0.0.1, which no link", |k| k.links[0].addresses[0].ip = "10.0.0.5".parse().unwrap()),
        ("there is no route to 10.244.0.0/24, the pods of node cp1", |k| k.routes.clear()),
        ("leads elsewhere", |k| k.routes[0].hops[0].link = Some(2)),
        ("has no neighbour 10.244.0.0 (node cp1)", |k| k.neighbours.clear()),
        ("neighbour 10.244.0.0 is 02:00:00:00:00:02, node cp1 says aa:aa:aa:aa:aa:00", |k| {
            k.neighbours[0].mac = "02:00:00:00:00:02".into();
        }),
        ("has no forwarding entry for aa:aa:aa:aa:aa:00 (node cp1)", |k| k.forwarding.clear()),
        ("forwards aa:aa:aa:aa:aa:00 to 10.0.0.77, node cp1 is at 10.0.0.9", |k| {
            k.forwarding[0].to = "10.0.0.77".parse().unwrap();
        }),
        ("no neighbour", |k| k.neighbours[0].mac.clear()),
    ];
    for (words, fault) in faults {
        let mut kernel = healthy();
        fault(&mut kernel);
        let said = wrong(&own(), &[peer()], &kernel);
        assert!(said.iter().any(|line| line.contains(words)), "{words}: {said:?}");
    }
}

#[test]
fn an_address_that_others_send_to_has_to_be_the_nodes_own_unless_somebody_said_otherwise() {
    let elsewhere = Notes { public_ip: "203.0.113.7".parse().ok(), ..own() };
    let said = wrong(&elsewhere, &[], &healthy());
    assert_eq!(said, ["other nodes send to 203.0.113.7 (public-ip of this Node), which no link of this machine has"]);
    assert_eq!(wrong(&Notes { overwritten: true, ..elsewhere }, &[], &healthy()), [""; 0]);
}

#[test]
fn without_the_other_nodes_a_route_that_leads_to_nobody_is_still_seen() {
    for fault in [(|k| k.neighbours.clear()) as fn(&mut Kernel), |k| k.forwarding.clear()] {
        let mut kernel = healthy();
        fault(&mut kernel);
        let said = wrong(&own(), &[], &kernel);
        assert!(said.len() == 1 && said[0].contains("has a route over 10.244.0.0"), "{said:?}");
    }
    assert_eq!(wrong(&own(), &[], &healthy()), [""; 0]);
}

#[test]
fn direct_routes_and_host_gw_need_no_tunnel() {
    let mut kernel = healthy();
    kernel.routes[0].hops[0] = NextHop { link: Some(2), gateway: "10.0.0.9".parse().ok(), onlink: false };
    (kernel.neighbours, kernel.forwarding) = (vec![], vec![]);
    assert_eq!(wrong(&own(), &[peer()], &kernel), [""; 0]);
    let host_gw = |notes: Notes| Notes { backend: "host-gw".into(), ..notes };
    assert_eq!(wrong(&host_gw(own()), &[host_gw(peer())], &kernel), [""; 0]);
    kernel.routes.clear();
    let said = wrong(&host_gw(own()), &[host_gw(peer())], &kernel);
    assert_eq!(said, ["there is no route to 10.244.0.0/24, the pods of node cp1"]);
}

#[test]
fn the_port_is_that_of_the_configuration_in_flannels_pod() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(configured_port(dir.path()), None);
    let conf = dir.path().join("u1").join(NET_CONF);
    std::fs::create_dir_all(conf.parent().unwrap()).unwrap();
    std::fs::write(&conf, r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}"#).unwrap();
    assert_eq!(configured_port(dir.path()), Some(8472));
    std::fs::write(&conf, r#"{"Backend":{"Type":"vxlan","VNI":4096,"Port":4789}}"#).unwrap();
    assert_eq!(configured_port(dir.path()), Some(4789));
}
