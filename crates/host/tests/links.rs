//! Links and routes of a real namespace; judged by `ip -j`.
#![cfg(feature = "links")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod network;

use std::time::{Duration, Instant};

use host::deadline::Deadline;
use host::links::{self, Address, Hairpin, Link};
use host::routes;
use network::{json, out, sh};
use testkit::{Sandbox, require};

fn ready() -> bool {
    require("root") && require("program:ip") && require("link:bridge") && require("link:veth") && require("link:vxlan")
}

fn minute() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

fn find(name: &str) -> Link {
    links::list(&minute()).unwrap().into_iter().find(|link| link.name == name).unwrap()
}

/// A node's links, beside somebody's own bridge, VXLAN and veth.
fn node() {
    sh("ip link add cni0 type bridge && ip addr add 10.244.1.1/24 dev cni0 && ip addr add fd00:1::1/64 dev cni0");
    sh("ip link set cni0 up && ip netns add pod && ip link add veth1 mtu 1450 type veth peer name eth0 netns pod");
    sh("ip link set veth1 master cni0 up && ip -n pod link set eth0 up");
    sh("ip link add flannel.1 type vxlan id 1 local 127.0.0.1 dev lo dstport 8472 nolearning");
    sh("ip addr add 10.244.1.0/32 dev flannel.1 && ip link set flannel.1 up");
    sh("ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink");
    sh("ip link add br-lan type bridge && ip addr add 192.168.7.1/24 dev br-lan && ip link set br-lan up");
    sh("ip link add lan0 type veth peer name lan1 && ip link set lan0 master br-lan up && ip link set lan1 up");
    sh("ip link add vxlan7 type vxlan id 7 dev lo dstport 4789");
    sh("ip route add 10.244.99.0/24 via 192.168.7.9 && ip route add 172.30.0.0/16 dev br-lan table 100");
    sh("ip route add default via 192.168.7.254 metric 50 && ip -6 route add fd00:9::/64 dev br-lan");
}

#[test]
fn a_listing_agrees_with_ip() {
    if !ready() {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        node();
        let links = links::list(&minute()).unwrap();
        let oracle = json("ip -j -d addr");
        let oracle = oracle.as_array().unwrap();
        assert_eq!(links.len(), oracle.len());
        for (link, ip) in links.iter().zip(oracle) {
            assert_eq!(link.name, ip["ifname"]);
            assert_eq!(link.index, ip["ifindex"]);
            assert_eq!(link.mtu, ip["mtu"]);
            assert_eq!(link.mac, ip["address"].as_str().unwrap_or_default());
            assert_eq!(link.kind, ip["linkinfo"]["info_kind"].as_str().unwrap_or_default());
            let flags = ip["flags"].as_array().unwrap();
            assert_eq!(link.up, flags.contains(&"UP".into()));
            assert_eq!(link.carrier, flags.contains(&"LOWER_UP".into()), "{}", link.name);
            let master = link.master.map(|index| links.iter().find(|l| l.index == index).unwrap().name.clone());
            assert_eq!(master.as_deref(), ip["master"].as_str());
            assert_eq!(link.netnsid.map(i64::from), ip["link_netnsid"].as_i64());
            let addresses: Vec<_> = link.addresses.iter().map(Address::to_string).collect();
            let theirs = ip["addr_info"].as_array().unwrap().iter();
            let theirs: Vec<_> =
                theirs.map(|a| format!("{}/{}", a["local"].as_str().unwrap(), a["prefixlen"])).collect();
            assert_eq!(addresses, theirs, "{}", link.name);
            if let Some(vxlan) = &link.vxlan {
                let data = &ip["linkinfo"]["info_data"];
                assert_eq!(
                    (vxlan.id, vxlan.port),
                    (data["id"].as_u64().unwrap() as u32, data["port"].as_u64().unwrap() as u16)
                );
                assert_eq!(vxlan.local.map(|ip| ip.to_string()).as_deref(), data["local"].as_str());
            }
        }
        assert_eq!(find("lan0").peer, Some(find("lan1").index));
    });
}

#[test]
fn kubernetes_links_and_routes_go_and_nothing_else() {
    if !ready() {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        node();
        let pods = ["10.244.0.0/16".parse().unwrap(), "fd00:1::/48".parse().unwrap()];
        let all = links::list(&minute()).unwrap();
        let plan = ["veth1", "cni0", "flannel.1"].map(find);
        let indices = plan.each_ref().map(|link| link.index);
        let listed = routes::list(&minute()).unwrap();
        let ours = routes::owned(&listed, &pods, &indices);
        let texts: Vec<_> = ours.iter().map(|route| routes::described(route, &all)).collect();
        assert!(
            texts.iter().any(|t| t.starts_with("unicast 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink")),
            "{texts:?}"
        );
        assert!(texts.iter().all(|text| text.contains("dev cni0") || text.contains("dev flannel.1")), "{texts:?}");
        let others: Vec<_> = listed.iter().filter(|route| !ours.contains(route)).collect();
        assert!(others.iter().any(|route| route.destination.to_string() == "10.244.99.0/24"));

        // What the kernel does by itself to IPv6 while links come up is no evidence.
        let ours_or_automatic = ["cni0", "flannel.1", "veth1", "fe80", "ff00"];
        let foreign = |text: String| -> Vec<String> {
            text.lines().filter(|l| !ours_or_automatic.iter().any(|w| l.contains(w))).map(str::to_owned).collect()
        };
        let routes_now = || foreign(out("ip route show table all; ip -6 route show table all"));
        // Whether a link has a carrier is said a while after it has changed: that is not what is compared.
        let carrier = "s/ (UP|DOWN|UNKNOWN|LOWERLAYERDOWN) +/ /; s/NO-CARRIER,|,LOWER_UP|,M-DOWN//g";
        let links_now = || foreign(out(&format!("(ip -br link; ip -br -4 addr) | sed -E {carrier:?}")));
        let before = (routes_now(), links_now());
        routes::delete(&ours, &minute()).unwrap();
        assert!(!out("ip route").contains("flannel.1"));
        assert_eq!(routes_now(), before.0);
        links::delete(&plan, &minute()).unwrap();
        assert_eq!((routes_now(), links_now()), before);
        assert!(!out("ip link").contains("cni0"));
        routes::delete(&ours, &minute()).unwrap();
        links::delete(&plan, &minute()).unwrap();
    });
}

#[test]
fn one_of_two_equal_destinations_is_deleted() {
    if !ready() {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        node();
        sh("ip route add 10.244.2.0/24 via 192.168.7.3 metric 7 && ip route add 10.244.2.0/24 via 192.168.7.4 table 200");
        let flannel = find("flannel.1").index;
        let all = routes::list(&minute()).unwrap();
        let ours = routes::owned(&all, &["10.244.2.0/24".parse().unwrap()], &[flannel]);
        assert_eq!(ours.len(), 1);
        routes::delete(&ours, &minute()).unwrap();
        assert_eq!(out("ip route | grep 10.244.2").trim(), "10.244.2.0/24 via 192.168.7.3 dev br-lan metric 7");
        assert!(out("ip route show table 200").contains("192.168.7.4"));
    });
}

#[test]
fn a_bridge_is_made_changed_and_its_port_attached() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        links::add_bridge("cni0", &minute()).unwrap();
        let address = Address { ip: "10.244.3.1".parse().unwrap(), prefix: 24 };
        links::add_address(&find("cni0"), address, &minute()).unwrap();
        sh("ip link add veth9 type veth peer name other");
        links::attach(&find("veth9"), &find("cni0"), Hairpin::On, &minute()).unwrap();
        links::set_up(&find("veth9"), &minute()).unwrap();
        links::set_down(&find("cni0"), &minute()).unwrap();
        let ip = json("ip -j addr show cni0");
        assert_eq!(ip[0]["addr_info"][0]["local"], "10.244.3.1");
        assert_eq!(ip[0]["operstate"], "DOWN");
        let port = json("ip -j -d link show veth9");
        assert_eq!(
            (&port[0]["master"], &port[0]["linkinfo"]["info_slave_data"]["hairpin"]),
            (&"cni0".into(), &true.into())
        );
        links::delete_address(&find("cni0"), address, &minute()).unwrap();
        links::delete_address(&find("cni0"), address, &minute()).unwrap();
        assert_eq!(find("cni0").addresses, []);
        let error = format!("{:#}", links::add_bridge("cni0", &minute()).unwrap_err());
        assert!(error.starts_with("adding bridge cni0: ") && error.contains("File exists"), "{error}");
    });
}

#[test]
fn two_hundred_veths_are_deleted_quickly() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        let batch: String = (0..200)
            .map(|n| format!("link add veth{n} type veth peer name p{n}\nlink set veth{n} master cni0\n"))
            .collect();
        network::feed("ip -batch -", &format!("link add cni0 type bridge\n{batch}"));
        let started = Instant::now();
        let mut plan = links::list(&minute()).unwrap();
        // Ports before their bridge, and each pair by one end.
        plan.retain(|link| link.name.starts_with("veth") || link.name == "cni0");
        plan.sort_by_key(|link| link.name == "cni0");
        assert_eq!(plan.len(), 201);
        links::delete(&plan, &minute()).unwrap();
        eprintln!("200 veths and their bridge deleted in {:?}", started.elapsed());
        assert_eq!(out("ip -br link").lines().count(), 1);
    });
}

#[test]
fn neighbours_and_forwarding_entries_of_a_vxlan_are_listed_as_ip_and_bridge_show_them() {
    if !ready() || !require("program:bridge") {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        node();
        sh("ip neigh replace 10.244.2.0 lladdr aa:aa:aa:aa:aa:02 dev flannel.1 nud permanent");
        sh("bridge fdb replace aa:aa:aa:aa:aa:02 dev flannel.1 dst 10.0.0.2 self permanent");
        let tunnel = find("flannel.1").index;
        let known = host::neighbours::list(&minute()).unwrap();
        let known: Vec<_> = known.iter().filter(|n| n.link == tunnel && n.ip.is_ipv4()).collect();
        assert_eq!(known.len(), 1, "{known:?}");
        assert_eq!((known[0].ip.to_string().as_str(), known[0].mac.as_str()), ("10.244.2.0", "aa:aa:aa:aa:aa:02"));
        let entries = host::neighbours::forwarding(&minute()).unwrap();
        let entries: Vec<_> = entries.iter().filter(|f| f.link == tunnel).collect();
        assert_eq!(entries.len(), 1, "{entries:?} beside {}", out("bridge fdb show dev flannel.1"));
        assert_eq!((entries[0].mac.as_str(), entries[0].to.to_string().as_str()), ("aa:aa:aa:aa:aa:02", "10.0.0.2"));
    });
}

#[test]
fn a_link_that_is_another_by_now_or_was_never_seen_is_not_deleted() {
    if !ready() {
        return;
    }
    Sandbox::new().run(|| {
        sh("ip link add cni0 index 77 type bridge && ip link add keep0 type bridge");
        let seen = find("cni0");
        let made_up = Link { index: seen.index, name: seen.name.clone(), kind: seen.kind.clone(), ..Link::default() };
        let error = format!("{:#}", links::delete(&[made_up], &minute()).unwrap_err());
        assert_eq!(error, "deleting link cni0: it was not read from the kernel");
        // The number goes to a VXLAN of somebody else.
        sh("ip link del cni0 && ip link add cni0 index 77 type vxlan id 9 dev lo dstport 4789");
        let error = format!("{:#}", links::delete(&[seen, find("keep0")], &minute()).unwrap_err());
        assert_eq!(error, "deleting link cni0: number 77 is another link by now");
        let left = out("ip -br link");
        assert!(left.contains("cni0") && !left.contains("keep0"), "{left}");
    });
}

#[test]
fn pods_namespaces_have_the_numbers_that_their_links_name() {
    if !ready() {
        return;
    }
    Sandbox::new().empty("/run").run(|| {
        sh("ip netns add pod && ip netns add other && ip netns add alone");
        sh("ip link add veth1 type veth peer name eth0 netns pod && ip link add veth2 type veth peer name eth0 netns other");
        let id = |name: &str| links::namespace_ids(&[format!("/run/netns/{name}").into()], &minute()).unwrap();
        assert_eq!(id("pod").into_iter().next(), find("veth1").netnsid);
        assert_eq!(id("other").into_iter().next(), find("veth2").netnsid);
        assert!(id("alone").is_empty() && id("gone").is_empty());
        let paths = ["/run/netns/pod", "/etc/hostname", "/run/netns/gone", "/run/netns/other"].map(Into::into);
        assert_eq!(links::namespace_ids(&paths, &minute()).unwrap().len(), 2);
    });
}
