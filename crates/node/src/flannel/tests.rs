//! flannel's path as the kernel has it, against what flannel wrote down.

use super::*;
use host::links::{Address, Vxlan};
use host::routes::NextHop;
use serde_json::json;
use std::net::IpAddr;

mod rules;

fn node(name: &str, third: u8, mac: &str, ip: &str) -> Notes {
    let data = json!({"VNI": 1, "VtepMAC": mac}).to_string();
    let annotations = json!({"flannel.alpha.coreos.com/backend-type": "vxlan", "flannel.alpha.coreos.com/public-ip": ip,
        "flannel.alpha.coreos.com/backend-data": data});
    let value = json!({"metadata": {"name": name, "annotations": annotations},
        "spec": {"podCIDR": format!("10.244.{third}.0/24")}, "status": {"addresses": [{"address": ip}, {"address": name}]}});
    Notes::of(&value).remove(0)
}

/// What differs, in words.
fn said(own: &Notes, peers: &[Notes], kernel: &Kernel) -> Vec<String> {
    wrong(std::slice::from_ref(own), peers, kernel).iter().map(ToString::to_string).collect()
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
        mtu: 1450,
        up: true,
        addresses: vec![address("10.244.1.0", 32)],
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
        written: Written { networks: vec!["10.244.0.0/16".parse().unwrap()], mtu: Some(1450), masquerade: false },
        ..Kernel::default()
    }
}

#[test]
fn a_way_that_is_as_flannel_noted_it_has_nothing_to_tell() {
    assert_eq!(said(&own(), &[own(), peer()], &healthy()), [""; 0]);
    // Of another back end, or without an address yet: flanneld passes it over, too.
    let mut young = peer();
    young.subnet = None;
    let other = Notes { backend: "host-gw".into(), ..peer() };
    assert_eq!(said(&own(), &[young, other], &Kernel { routes: vec![], ..healthy() }), [""; 0]);
}

#[test]
fn each_thing_that_differs_is_told_with_both_sides() {
    type Change = fn(&mut Kernel);
    let faults: [(&str, Change); 13] = [
        ("other nodes send to aa:aa:aa:aa:aa:01", |k| k.links[1].mac = "02:00:00:00:00:01".into()),
        ("has the VNI 5, this Node's annotation says 1", |k| k.links[1].vxlan.as_mut().unwrap().id = 5),
        ("uses UDP port 4789, flannel's configuration says 8472", |k| k.links[1].vxlan.as_mut().unwrap().port = 4789),
        ("has MTU 1000, and pods send packets of 1450 bytes", |k| k.links[1].mtu = 1000),
        ("has not the address 10.244.1.0", |k| k.links[1].addresses.clear()),
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
        let told = said(&own(), &[peer()], &kernel);
        assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:?}");
    }
}

#[test]
fn an_address_that_others_send_to_has_to_be_the_nodes_own_unless_somebody_said_otherwise() {
    let elsewhere = Notes { public_ip: "203.0.113.7".parse().ok(), ..own() };
    let told = said(&elsewhere, &[], &healthy());
    assert_eq!(told, ["other nodes send to 203.0.113.7 (public-ip of this Node), which no link of this machine has"]);
    assert_eq!(said(&Notes { overwritten: true, ..elsewhere }, &[], &healthy()), [""; 0]);
}

#[test]
fn without_the_other_nodes_a_route_that_leads_to_nobody_is_still_seen() {
    for fault in [(|k| k.neighbours.clear()) as fn(&mut Kernel), |k| k.forwarding.clear()] {
        let mut kernel = healthy();
        fault(&mut kernel);
        let told = said(&own(), &[], &kernel);
        assert!(told.len() == 1 && told[0].contains("has a route over 10.244.0.0"), "{told:?}");
    }
    assert_eq!(said(&own(), &[], &healthy()), [""; 0]);
}

#[test]
fn direct_routes_and_host_gw_need_no_tunnel() {
    let mut kernel = healthy();
    kernel.routes[0].hops[0] = NextHop { link: Some(2), gateway: "10.0.0.9".parse().ok(), onlink: false };
    (kernel.neighbours, kernel.forwarding) = (vec![], vec![]);
    assert_eq!(said(&own(), &[peer()], &kernel), [""; 0]);
    let host_gw = |notes: Notes| Notes { backend: "host-gw".into(), ..notes };
    assert_eq!(said(&host_gw(own()), &[host_gw(peer())], &kernel), [""; 0]);
    kernel.routes.clear();
    let told = said(&host_gw(own()), &[host_gw(peer())], &kernel);
    assert_eq!(told, ["there is no route to 10.244.0.0/24, the pods of node cp1"]);
}

#[test]
fn ipv6_has_notes_a_link_and_a_way_of_its_own() {
    let v6 = |name: &str, third: u8| {
        let data = json!({"VNI": 1, "VtepMAC": format!("BB:BB:BB:BB:BB:0{third}")}).to_string();
        let annotations = json!({"flannel.alpha.coreos.com/backend-type": "vxlan", "flannel.alpha.coreos.com/backend-data": "null",
            "flannel.alpha.coreos.com/public-ipv6": format!("fd00::{third}"), "flannel.alpha.coreos.com/backend-v6-data": data});
        let mut notes = Notes::of(&json!({"metadata": {"name": name, "annotations": annotations},
            "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", format!("fd42:0:0:{third}::/64")]}}));
        assert_eq!(notes.len(), 1, "one family is noted");
        notes.remove(0)
    };
    let (own, peer) = (v6("w1", 1), v6("cp1", 0));
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let mut kernel = healthy();
    kernel.links[0].addresses.push(Address { ip: ip("fd00::1"), prefix: 64 });
    let vxlan = Vxlan { id: 1, port: 8472, local: Some(ip("fd00::1")), over: Some(2) };
    let tunnel = Link {
        index: 8,
        name: "flannel-v6.1".into(),
        mac: "bb:bb:bb:bb:bb:01".into(),
        vxlan: Some(vxlan),
        addresses: vec![Address { ip: ip("fd42:0:0:1::"), prefix: 128 }],
        ..kernel.links[1].clone()
    };
    kernel.links.push(tunnel);
    let hop = NextHop { link: Some(8), gateway: Some(ip("fd42::")), onlink: true };
    kernel.routes.push(Route {
        destination: "fd42::/64".parse().unwrap(),
        hops: vec![hop],
        ..kernel.routes[0].clone()
    });
    kernel.neighbours.push(Neighbour { link: 8, ip: ip("fd42::"), mac: "bb:bb:bb:bb:bb:00".into() });
    kernel.forwarding.push(Forwarding { link: 8, mac: "bb:bb:bb:bb:bb:00".into(), to: ip("fd00::") });
    assert_eq!(said(&own, std::slice::from_ref(&peer), &kernel), [""; 0]);
    kernel.forwarding.pop();
    let told = said(&own, &[peer], &kernel);
    assert_eq!(told[0], "flannel-v6.1 has no forwarding entry for bb:bb:bb:bb:bb:00 (node cp1)");
}

#[test]
fn a_more_specific_route_takes_packets_for_pods_whoever_made_it() {
    let told = |kernel: &Kernel| shadowed(&[own()], &[peer()], kernel, "cni0");
    let mut kernel = healthy();
    assert_eq!(told(&kernel), [""; 0]);
    let other = Route {
        destination: "10.244.0.128/25".parse().unwrap(),
        hops: vec![],
        kind: "blackhole",
        ..kernel.routes[0].clone()
    };
    kernel.routes.push(other.clone());
    assert_eq!(
        told(&kernel),
        [
            "blackhole 10.244.0.128/25 table 254 proto 3 scope 0 metric 0 takes packets for pods of node cp1 (10.244.0.0/24)"
        ]
    );
    let hop = NextHop { link: Some(2), gateway: None, onlink: false };
    kernel.routes[1] =
        Route { destination: "10.244.1.0/25".parse().unwrap(), hops: vec![hop], kind: "unicast", ..other };
    assert!(
        told(&kernel)[0].contains("dev eth0") && told(&kernel)[0].contains("pods of this node"),
        "{:?}",
        told(&kernel)
    );
    // A larger one loses against flannel's.
    kernel.routes[1].destination = "10.244.0.0/16".parse().unwrap();
    assert_eq!(told(&kernel), [""; 0]);
}

#[test]
fn wireguard_has_one_link_with_an_address_and_a_route_to_all_pods() {
    let own = Notes { backend: "wireguard".into(), mac: None, vni: None, ..own() };
    let mut kernel = healthy();
    assert_eq!(said(&own, &[], &kernel), ["there is no WireGuard link flannel-wg"]);
    let link = &mut kernel.links[1];
    (link.name, link.kind, link.vxlan, link.mtu) = ("flannel-wg".into(), "wireguard".into(), None, 1450);
    let hop = NextHop { link: Some(7), gateway: None, onlink: false };
    kernel.routes[0] =
        Route { destination: "10.244.0.0/16".parse().unwrap(), hops: vec![hop], ..kernel.routes[0].clone() };
    assert_eq!(said(&own, &[], &kernel), [""; 0]);
    type Change = fn(&mut Kernel);
    let faults: [(&str, Change); 4] = [
        ("flannel-wg is down", |k| k.links[1].up = false),
        ("has not the address 10.244.1.0", |k| k.links[1].addresses.clear()),
        ("no route to the pods' network 10.244.0.0/16 leads over flannel-wg", |k| k.routes.clear()),
        ("has MTU 1280", |k| k.links[1].mtu = 1280),
    ];
    for (words, fault) in faults {
        let mut kernel = kernel.clone();
        fault(&mut kernel);
        let told = said(&own, &[], &kernel);
        assert!(told.len() == 1 && told[0].contains(words), "{words}: {told:?}");
    }
}
