//! Links that only have a name of Kubernetes', and those that are its own. On the real kernel: modules/aggressive_reset.

use host::links::Vxlan;
use host::routes::NextHop;

use super::*;

fn link(index: u32, name: &str, kind: &str) -> Link {
    Link { index, name: name.to_owned(), kind: kind.to_owned(), ..Link::default() }
}

fn vxlan(index: u32, name: &str, id: u32) -> Link {
    Link { vxlan: Some(Vxlan { id, port: 8472, ..Vxlan::default() }), ..link(index, name, "vxlan") }
}

fn port(index: u32, name: &str, bridge: u32, netnsid: Option<i32>) -> Link {
    Link { master: Some(bridge), netnsid, ..link(index, name, "veth") }
}

fn with(mut link: Link, address: &str) -> Link {
    let (ip, prefix) = address.split_once('/').unwrap();
    link.addresses.push(Address { ip: ip.parse().unwrap(), prefix: prefix.parse().unwrap() });
    link
}

fn route(destination: &str, over: u32, gateway: Option<&str>) -> Route {
    let gateway = gateway.map(|ip| ip.parse().unwrap());
    Route {
        destination: destination.parse().unwrap(),
        hops: vec![NextHop { link: Some(over), gateway, onlink: gateway.is_some() }],
        table: 254,
        protocol: 3,
        scope: 0,
        kind: "unicast",
        metric: 0,
        source: None,
    }
}

/// Names that go, and why the others of the table stay; the pods' namespace has number 0.
fn judged(links: &[Link], routes: &[Route]) -> (Vec<String>, Vec<String>) {
    let pods = ["10.244.0.0/16".parse().unwrap()];
    let (namespaces, bridges) = (BTreeSet::from([0]), BTreeSet::from(["pods0".to_owned()]));
    let all = Surroundings {
        links,
        routes,
        pod_networks: &pods,
        pod_namespaces: &namespaces,
        bridges: &bridges,
        proved: &[],
    };
    let (owned, kept) = judge(&all);
    let names = owned.into_iter().map(|owned| owned.link.name).collect();
    (names, kept.into_iter().map(|kept| format!("{}: {}", kept.name, kept.why)).collect())
}

fn why(links: &[Link], routes: &[Route]) -> String {
    let (owned, kept) = judged(links, routes);
    assert_eq!(owned, Vec::<String>::new());
    kept.join("; ")
}

#[test]
fn what_is_all_kubernetes_goes_ports_first() {
    let links = [
        with(link(3, "cni0", "bridge"), "10.244.3.1/24"),
        link(4, "cbr0", "bridge"),
        with(link(5, "pods0", "bridge"), "10.244.9.1/24"),
        port(6, "vetha7cd9427", 3, Some(0)),
        with(vxlan(7, "flannel.1", 1), "10.244.3.0/32"),
        vxlan(8, "flannel.4096", 4096),
        link(9, "kube-ipvs0", "dummy"),
        Link { netnsid: Some(0), ..link(10, "cali0123456789a", "veth") },
    ];
    let routes = [route("10.244.0.0/24", 7, Some("10.244.0.0")), route("10.244.3.0/24", 3, None)];
    let (owned, kept) = judged(&links, &routes);
    assert_eq!(
        owned,
        ["vetha7cd9427", "cni0", "cbr0", "pods0", "flannel.1", "flannel.4096", "kube-ipvs0", "cali0123456789a"]
    );
    assert_eq!(kept, Vec::<String>::new());
}

#[test]
fn other_peoples_links_stay_whatever_their_names_contain() {
    let links = [
        link(1, "lo", ""),
        link(2, "cni0", ""),
        link(3, "docker0", "bridge"),
        port(4, "veth77", 3, Some(0)),
        link(5, "cni-podman0", "bridge"),
        link(6, "virbr0", "bridge"),
        link(7, "mycni0", "bridge"),
        link(8, "california", "veth"),
        vxlan(9, "my-flannel.1", 1),
        vxlan(10, "vxlan.calico2", 4096),
        vxlan(11, "flannel.", 1),
    ];
    assert_eq!(judged(&links, &[]), (Vec::new(), Vec::new()));
}

#[test]
fn a_machines_own_bridge_called_cni0_is_kept_by_whatever_lives_on_it() {
    let bridge = || with(link(3, "cni0", "bridge"), "10.244.3.1/24");
    let nic = Link { master: Some(3), ..link(2, "eth1", "") };
    assert_eq!(why(&[bridge(), nic], &[]), "cni0: not only pods are connected to it: eth1");
    let tap = Link { master: Some(3), ..link(9, "tap0", "tun") };
    assert!(why(&[bridge(), tap], &[]).contains("tap0"));
    assert!(why(&[bridge(), port(9, "vethLXC", 3, Some(4))], &[]).contains("vethLXC"));
    assert!(why(&[bridge(), port(9, "veth-here", 3, None)], &[]).contains("veth-here"));
    assert!(why(&[bridge(), port(9, "pod", 3, Some(0)), port(8, "vm", 3, Some(1))], &[]).ends_with(": vm"));
    assert!(why(&[bridge()], &[route("0.0.0.0/0", 3, None)]).contains("the default route"));
    assert!(why(&[bridge()], &[route("192.168.9.0/24", 3, None)]).contains("a route to 192.168.9.0/24"));
    assert!(why(&[with(bridge(), "192.168.1.2/24")], &[]).contains("192.168.1.2/24"));
    assert!(why(&[with(link(3, "cni0", "bridge"), "10.0.0.1/8")], &[]).contains("10.0.0.1/8"));
    let vlan = Link { peer: Some(3), ..link(9, "cni0.5", "vlan") };
    assert!(why(&[bridge(), vlan], &[]).contains("cni0.5 is built on it"));
    assert!(why(&[link(3, "cni0", "dummy")], &[]).contains("not a bridge"));
}

#[test]
fn a_vxlan_called_flannels_is_kept_when_it_is_not_or_is_used_otherwise() {
    assert_eq!(why(&[vxlan(7, "flannel.1", 7)], &[]), "flannel.1: its VXLAN identifier is 7");
    assert!(why(&[link(7, "flannel.1", "bridge")], &[]).contains("not a VXLAN"));
    assert!(why(&[with(vxlan(7, "flannel.1", 1), "192.168.50.1/24")], &[]).contains("192.168.50.1/24"));
    let in_bridge = Link { master: Some(9), ..vxlan(7, "flannel.1", 1) };
    assert!(why(&[in_bridge, link(9, "br-lan", "bridge")], &[]).contains("a port of br-lan"));
    assert!(why(&[vxlan(7, "flannel.1", 1)], &[route("192.168.0.0/16", 7, None)]).contains("192.168.0.0/16"));
    assert!(why(&[vxlan(7, "flannel.1", 1)], &[route("0.0.0.0/0", 7, Some("0.0.0.0"))]).contains("default route"));
}

#[test]
fn ports_of_open_vswitch_are_told_and_never_deleted() {
    let links = [link(1, "antrea-gw0", "openvswitch"), link(2, "datapath", "openvswitch"), link(3, "br-int", "bridge")];
    let (none, nothing) = (BTreeSet::new(), BTreeSet::new());
    let all = Surroundings {
        links: &links,
        routes: &[],
        pod_networks: &[],
        pod_namespaces: &none,
        bridges: &nothing,
        proved: &[],
    };
    let (owned, kept) = judge(&all);
    assert!(owned.is_empty(), "{owned:?}");
    let said: Vec<String> = kept.iter().map(|kept| format!("{}: {}", kept.name, kept.why)).collect();
    assert_eq!(
        said,
        [
            "antrea-gw0: it is a port of Antrea's Open vSwitch bridge, which stays until the next boot",
            "datapath: it is Weave's Open vSwitch datapath, which stays until the next boot"
        ]
    );
}
