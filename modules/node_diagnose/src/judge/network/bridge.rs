//! The pods' bridge: there, up, with this node's address.

use super::subnets;
use crate::finding::Finding;
use crate::observe::Facts;
use host::links::Address;
use node::code::Code;
use std::net::IpAddr;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let network = &facts.network;
    let Some(bridge) = network.bridge_link() else {
        return missing(facts, found);
    };
    let name = &bridge.name;
    if bridge.kind != "bridge" {
        let kind = if bridge.kind.is_empty() { "hardware" } else { &bridge.kind };
        found.push(Finding::new(Code::BridgeIsNoBridge, [format!("{name} is a {kind} link")]));
        return;
    }
    if !bridge.up {
        found.push(Finding::new(Code::BridgeDown, [format!("{name} is down")]));
    }
    let subnets = subnets(facts);
    let own = || subnets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let global: Vec<&Address> = bridge.addresses.iter().filter(|a| !a.ip.is_loopback() && !link_local(a.ip)).collect();
    for address in &global {
        let mut family = subnets.iter().filter(|s| s.address().is_ipv4() == address.ip.is_ipv4()).peekable();
        let known = family.peek().is_some();
        if known && !family.any(|s| s.contains(address.ip) && s.prefix() == address.prefix) {
            let words = format!("{name} has {address}, this node's subnet is {}", own());
            found.push(Finding::new(Code::BridgeAddressWrong, [words]));
        }
    }
    if global.is_empty() && !subnets.is_empty() && pods(facts) > 0 {
        let words = format!("{name} has no address, this node's subnet is {}", own());
        found.push(Finding::new(Code::BridgeAddressMissing, [words]));
    }
}

/// Without a pod there is no bridge: the first pod makes it.
fn missing(facts: &Facts, found: &mut Vec<Finding>) {
    let pods = pods(facts);
    if let (Some(name), true) = (&facts.network.bridge, pods > 0) {
        found
            .push(Finding::new(Code::BridgeMissing, [format!("{pods} pods run on this node, and there is no {name}")]));
    }
}

/// How many pods run on the pod network.
fn pods(facts: &Facts) -> usize {
    facts.runtime.pods().iter().filter(|pod| pod.sandbox.ready && !pod.host_network).count()
}

fn link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}
