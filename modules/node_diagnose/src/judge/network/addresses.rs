//! Pods' addresses, their attachment to the bridge, and leases.

use super::{BRIDGE, subnets};
use crate::finding::Finding;
use crate::observe::Facts;
use std::net::IpAddr;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    foreign(facts, found);
    unattached(facts, found);
    stale(facts, found);
}

fn foreign(facts: &Facts, found: &mut Vec<Finding>) {
    let subnets = subnets(facts);
    let pods = facts.runtime.pods().iter().filter(|p| p.sandbox.ready && !p.host_network);
    let mut evidence = Vec::new();
    for pod in pods {
        for ip in pod.ips.iter().filter_map(|ip| ip.parse::<IpAddr>().ok()) {
            let family = subnets.iter().any(|s| s.address().is_ipv4() == ip.is_ipv4());
            if family && !subnets.iter().any(|s| s.contains(ip)) {
                evidence.push(format!("pod {}/{} has {ip}", pod.sandbox.namespace, pod.sandbox.name));
            }
        }
    }
    if !evidence.is_empty() {
        let own: Vec<String> = subnets.iter().map(ToString::to_string).collect();
        evidence.truncate(10);
        evidence.push(format!("this node's subnet is {}", own.join(", ")));
        found.push(Finding::new("pod_addresses_foreign", evidence));
    }
}

/// A veth whose other end is in another namespace is a pod's, when as many pods are on the bridge's network.
fn unattached(facts: &Facts, found: &mut Vec<Finding>) {
    let links = &facts.network.links;
    let Some(bridge) = facts.network.link(BRIDGE) else { return };
    let uses_bridge = bridge.kind == "bridge" && !facts.runtime.pods().is_empty();
    let lost = links.iter().filter(|l| l.kind == "veth" && l.netnsid.is_some() && l.master.is_none());
    // Pods of other networks (Calico's cali...) have no master by design.
    let lost: Vec<String> = lost.filter(|l| l.name.starts_with("veth")).map(|l| l.name.clone()).collect();
    if uses_bridge && !lost.is_empty() {
        found.push(Finding::new("pods_unattached", [format!("{} have no bridge", lost.join(", "))]));
    }
}

fn stale(facts: &Facts, found: &mut Vec<Finding>) {
    // Without containerd's word nobody knows which pods there are.
    if facts.runtime.answer.is_err() {
        return;
    }
    let alive = |id: &str| facts.runtime.pods().iter().any(|p| p.sandbox.id == id && p.sandbox.ready);
    let stale = facts.network.leases.iter().filter(|l| !alive(&l.container));
    let words: Vec<String> = stale.map(|l| format!("/var/lib/cni/networks/{}/{}", l.network, l.ip)).take(10).collect();
    if !words.is_empty() {
        found.push(Finding::new("leases_stale", words));
    }
}
