//! The pod network. Before a join there is none to speak of: only the kernel's switches matter then.

mod addresses;
mod firewall;

use crate::finding::Finding;
use crate::observe::Facts;
use host::cidr::Cidr;

/// The bridge plugin's name for the pods' bridge with flannel and with the placeholder.
const BRIDGE: &str = "cni0";

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let network = &facts.network;
    if !facts.joined() {
        return;
    }
    if !network.br_netfilter {
        found.push(Finding::new("br_netfilter_missing", ["/proc/sys/net/bridge is not there"]));
    }
    if !network.switched_off.is_empty() {
        found.push(Finding::new("forwarding_off", network.switched_off.clone()));
    }
    let uses_flannel =
        facts.cni.in_force().and_then(|c| c.network.as_ref().ok()).is_some_and(|n| n.types().contains(&"flannel"));
    if uses_flannel && network.flannel.is_none() {
        found.push(Finding::new("flannel_not_running", ["/run/flannel/subnet.env is not there"]));
    }
    bridge(facts, found);
    vxlan(facts, found);
    addresses::judge(facts, found);
    firewall::judge(facts, found);
}

/// This node's pod subnets: flannel's word, or the API server's.
fn subnets(facts: &Facts) -> Vec<Cidr> {
    let node = facts.machine.node.as_ref();
    let listed = node.and_then(|n| n["spec"]["podCIDRs"].as_array()).into_iter().flatten();
    let by_api = listed.filter_map(|c| c.as_str()?.parse::<Cidr>().ok());
    let by_flannel = facts.network.flannel.as_ref().and_then(|f| f.subnet());
    let mut all: Vec<Cidr> = by_api.chain(by_flannel).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn bridge(facts: &Facts, found: &mut Vec<Finding>) {
    let Some(bridge) = facts.network.link(BRIDGE) else { return };
    if !bridge.up {
        found.push(Finding::new("bridge_down", [format!("{BRIDGE} is down")]));
    }
    let subnets = subnets(facts);
    let global = |a: &&host::links::Address| !a.ip.is_loopback() && !link_local(a.ip);
    for address in bridge.addresses.iter().filter(global) {
        let family = |s: &&Cidr| s.address().is_ipv4() == address.ip.is_ipv4();
        let right = |s: &Cidr| s.contains(address.ip) && s.prefix() == address.prefix;
        if subnets.iter().any(|s| family(&s)) && !subnets.iter().any(right) {
            let own: Vec<String> = subnets.iter().map(ToString::to_string).collect();
            let words = format!("{BRIDGE} has {address}, this node's subnet is {}", own.join(", "));
            found.push(Finding::new("bridge_address_wrong", [words]));
        }
    }
    if let Some(mtu) = facts.network.flannel.as_ref().and_then(|f| f.mtu)
        && bridge.mtu > mtu
        && facts.network.links.iter().any(|l| l.master == Some(bridge.index))
    {
        let words = format!("{BRIDGE} has MTU {}, flannel's way allows {mtu}", bridge.mtu);
        found.push(Finding::new("mtu_mismatch", [words]));
    }
}

fn link_local(ip: std::net::IpAddr) -> bool {
    match ip {
        std::net::IpAddr::V4(ip) => ip.is_link_local(),
        std::net::IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn vxlan(facts: &Facts, found: &mut Vec<Finding>) {
    // Only the vxlan back end has such a link; flannel notes its back end on the Node.
    let annotations = facts.machine.node.as_ref().map(|n| &n["metadata"]["annotations"]);
    let backend = annotations.and_then(|a| a["flannel.alpha.coreos.com/backend-type"].as_str());
    if facts.network.flannel.is_none() || backend.is_none_or(|b| b != "vxlan") {
        return;
    }
    let vxlan = facts.network.links.iter().find(|l| l.name.starts_with("flannel.") && l.vxlan.is_some());
    match vxlan {
        None => found.push(Finding::new("vxlan_missing", ["no link of flannel's is a VXLAN"])),
        Some(link) if !link.up => found.push(Finding::new("vxlan_missing", [format!("{} is down", link.name)])),
        Some(_) => {}
    }
}
