//! Which routes are owned.

use super::*;

fn route(destination: &str, hops: &[(u32, Option<&str>, bool)]) -> Route {
    let hop = |(link, gateway, onlink): &(u32, Option<&str>, bool)| NextHop {
        link: Some(*link),
        gateway: gateway.map(|ip| ip.parse().unwrap()),
        onlink: *onlink,
    };
    Route {
        destination: destination.parse().unwrap(),
        hops: hops.iter().map(hop).collect(),
        table: 254,
        protocol: 3,
        scope: 0,
        kind: "unicast",
        metric: 0,
        source: None,
    }
}

const ETH0: u32 = 2;
const CNI0: u32 = 3;
const GONE: u32 = 77;

fn owned_here(route: &Route) -> bool {
    !owned(std::slice::from_ref(route), &["10.244.0.0/16".parse().unwrap()], &[CNI0]).is_empty()
}

#[test]
fn pod_routes_over_our_links_or_onlink_pod_gateways_are_owned() {
    assert!(owned_here(&route("10.244.0.0/24", &[(CNI0, None, false)])));
    assert!(owned_here(&route("10.244.1.0/24", &[(GONE, Some("10.244.1.0"), true)])));
    assert!(owned_here(&route("10.244.0.0/16", &[(CNI0, None, false)])));
}

#[test]
fn the_administrators_routes_stay() {
    assert!(!owned_here(&route("0.0.0.0/0", &[(CNI0, None, false)])));
    assert!(!owned_here(&route("10.0.0.0/8", &[(CNI0, None, false)])));
    assert!(!owned_here(&route("10.244.1.0/24", &[(ETH0, Some("192.168.1.5"), false)])));
    assert!(!owned_here(&route("10.244.1.0/24", &[(ETH0, Some("192.168.1.5"), true)])));
    assert!(!owned_here(&route("10.244.1.0/24", &[(CNI0, None, false), (ETH0, None, false)])));
    assert!(!owned_here(&route("10.244.9.0/24", &[])), "a blackhole");
    let local = Route { table: LOCAL_TABLE, ..route("10.244.0.1/32", &[(CNI0, None, false)]) };
    assert!(!owned_here(&local));
}
