//! Along the way of a packet, hop by hop, to the first that cannot pass it on.

use super::facts::longest;
use super::forward::of_forward;
use super::{Facts, Hop, Side};
use crate::checks::{Check, Place};
use crate::probe::{Fault, Probe};
use host::links::Link;
use std::net::IpAddr;

/// The hop that explains why `check` from the pod at `source` ended in `fault`.
pub fn find(facts: &Facts, source: IpAddr, check: &Check, fault: &Fault) -> Hop {
    let to = check.probe.address();
    match fault {
        Fault::Refused => {
            return Hop::new(
                "target",
                format!("{to} was reached, and nothing listens there"),
                "see whether the program in the pod runs",
            );
        }
        Fault::Answer(words) => {
            return Hop::new(
                "target",
                format!("{to} was reached and answered: {words}"),
                "see the log of the program that answers",
            );
        }
        Fault::TooBig(_) => return too_big(facts, to, fault),
        _ => {}
    }
    let Some(side) = facts.pod(source) else {
        return Hop::new("unknown", format!("the pod at {source} is gone"), "run the check again");
    };
    of_pod(side, to)
        .or_else(|| of_veth(facts, side))
        .or_else(|| facts.pod(to).and_then(|target| of_target(facts, side, target)))
        .or_else(|| of_route(facts, side, to, check.place))
        .or_else(|| of_forward(facts, side, check))
        .or_else(|| of_vxlan_silence(facts, to, check))
        .unwrap_or_else(|| unexplained(facts, check, fault))
}

/// The pod's own end.
fn of_pod(side: &Side, to: IpAddr) -> Option<Hop> {
    let name = &side.name;
    let recreate = "recreate the pod: its network was not set up, or somebody changed it from inside";
    let Some(link) = side.link() else { return Some(Hop::new("pod", format!("{name} has no eth0"), recreate)) };
    if !link.addresses.iter().any(|address| address.ip == side.ip) {
        return Some(Hop::new("pod", format!("{name} has no longer the address {}", side.ip), recreate));
    }
    if !link.up {
        return Some(Hop::new("pod", format!("{} in {name} is down", link.name), recreate));
    }
    let route = longest(&side.routes, to);
    route.is_none().then(|| Hop::new("route", format!("{name} has no route to {to}"), recreate))
}

/// The host's end, and the bridge it hangs on.
fn of_veth(facts: &Facts, side: &Side) -> Option<Hop> {
    let name = &side.name;
    let Some(veth) = facts.host_end(side) else {
        return Some(Hop::new("veth", format!("the host's end of {name}'s link is gone"), "recreate the pod"));
    };
    if !veth.up {
        return Some(Hop::new("veth", format!("{} of {name} is down", veth.name), "cni_repair sets it up"));
    }
    // A network without a bridge routes to the veth itself.
    let routed = facts.route(side.ip).is_some_and(|route| route.hops.iter().any(|hop| hop.link == Some(veth.index)));
    let Some(master) = veth.master else {
        let hop =
            || Hop::new("veth", format!("{} of {name} is attached to no bridge", veth.name), "cni_repair attaches it");
        return (!routed).then(hop);
    };
    let bridge = facts.link(master)?;
    if !bridge.up {
        return Some(Hop::new("bridge", format!("{} is down", bridge.name), "cni_repair sets it up"));
    }
    gateway_missing(facts, side, bridge).or_else(|| no_way_back(facts, side, bridge))
}

/// What is meant for the pod has to be sent to its bridge; iptables on a bridge asks for that route, too.
fn no_way_back(facts: &Facts, side: &Side, bridge: &Link) -> Option<Hop> {
    let route = facts.route(side.ip);
    if route.is_some_and(|route| route.hops.iter().any(|hop| hop.link == Some(bridge.index))) {
        return None;
    }
    let by = route.and_then(|route| facts.link(route.hops.first()?.link?));
    let by = by.map_or("nowhere".to_owned(), |link| format!("to {}", link.name));
    let evidence = format!("this node sends what is for {} ({}) {by} instead of {}", side.name, side.ip, bridge.name);
    Some(Hop::new("route", evidence, "cni_repair gives the bridge its address, which makes the route"))
}

/// The pod's gateway has to be the bridge's address.
fn gateway_missing(facts: &Facts, side: &Side, bridge: &Link) -> Option<Hop> {
    let gateway = side.routes.iter().find(|route| route.destination.prefix() == 0)?.hops.first()?.gateway?;
    let ours = facts.links.iter().any(|link| link.addresses.iter().any(|address| address.ip == gateway));
    let has: Vec<String> =
        bridge.addresses.iter().filter(|a| a.ip.is_ipv4() == gateway.is_ipv4()).map(|a| a.to_string()).collect();
    let has = if has.is_empty() { "no address".to_owned() } else { has.join(", ") };
    let evidence = format!("{}'s gateway is {gateway}, but {} has {has}", side.name, bridge.name);
    (!ours).then(|| Hop::new("bridge", evidence, "cni_repair gives the bridge its address"))
}

/// A target pod on this node.
fn of_target(facts: &Facts, source: &Side, target: &Side) -> Option<Hop> {
    let hop = of_pod(target, source.ip).or_else(|| of_veth(facts, target))?;
    Some(Hop { evidence: format!("at the target: {}", hop.evidence), ..hop })
}

/// The machine's route onwards.
fn of_route(facts: &Facts, side: &Side, to: IpAddr, place: Place) -> Option<Hop> {
    if facts.pod(to).is_some() && facts.bridge_of(side).is_some() {
        return None;
    }
    let flannel = "see the log of flannel's pod on this node; kube-controller-manager has to give every node a podCIDR";
    let Some(route) = facts.route(to) else {
        return Some(Hop::new("route", format!("this node has no route to {to}"), flannel));
    };
    if place == Place::OtherNode && route.destination.prefix() == 0 {
        let evidence = format!("this node sends {to} to its default gateway: it has no route to that node's pods");
        return Some(Hop::new("route", evidence, flannel));
    }
    let out = route.hops.first().and_then(|hop| facts.link(hop.link?))?;
    if !out.up {
        let hop = if out.kind == "vxlan" { "vxlan" } else { "route" };
        return Some(Hop::new(
            hop,
            format!("{}, which leads to {to}, is down", out.name),
            format!("set {} up, or restart flannel's pod on this node", out.name),
        ));
    }
    None
}

/// Everything here passes it on into the tunnel, and nothing comes back.
fn of_vxlan_silence(facts: &Facts, to: IpAddr, check: &Check) -> Option<Hop> {
    let out = facts.route(to).and_then(|route| facts.link(route.hops.first()?.link?))?;
    let vxlan = out.vxlan.as_ref().filter(|_| check.place == Place::OtherNode)?;
    let evidence =
        format!("it leaves through {} (identifier {}, UDP {}), and nothing comes back", out.name, vxlan.id, vxlan.port);
    let remedy = format!("allow UDP {} between the nodes, and run the same check on the other node", vxlan.port);
    Some(Hop::new("vxlan", evidence, remedy))
}

fn too_big(facts: &Facts, to: IpAddr, fault: &Fault) -> Hop {
    let out = facts.route(to).and_then(|route| facts.link(route.hops.first()?.link?));
    let link = out.map(|link| format!("{} carries {} bytes", link.name, link.mtu)).unwrap_or_default();
    Hop::new(
        "path_mtu",
        format!("{fault}; {link}"),
        "make the pods' MTU fit: flannel takes 50 bytes of the network card's for VXLAN",
    )
}

fn unexplained(facts: &Facts, check: &Check, fault: &Fault) -> Hop {
    let to = check.probe.address();
    match (&check.probe, check.place) {
        (Probe::Icmp { size: Some(size), .. }, _) => Hop::new(
            "path_mtu",
            format!("small packets arrive at {to}, ones of {size} bytes do not"),
            "make the pods' MTU fit: flannel takes 50 bytes of the network card's for VXLAN",
        ),
        (Probe::Dns { .. }, _) => Hop::new(
            "service",
            format!("{to}: {fault}, and everything on this node passes it on"),
            "see whether CoreDNS runs and kube-proxy has programmed this service address",
        ),
        _ if facts.unread.is_some() => Hop::new(
            "unknown",
            format!("{to}: {fault}; {}", facts.unread.as_deref().unwrap_or_default()),
            "install nft and run the check again: a chain of nftables may drop it",
        ),
        _ => Hop::new(
            "unknown",
            format!("{to}: {fault}, and everything on this node passes it on"),
            "look at the target, and at what lies between the nodes",
        ),
    }
}
