//! Pods' addresses, their attachment to the bridge, and leases.

use super::subnets;
use crate::finding::Finding;
use crate::observe::Facts;
use crate::observe::network::Lease;
use host::links::Link;
use node::cni::made_by;
use node::code::Code;
use std::net::IpAddr;

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    foreign(facts, found);
    ports(facts, found);
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
        found.push(Finding::new(Code::PodAddressesForeign, evidence));
    }
}

/// Pods' links: by libcni's records, and by their look for pods that it has no record of.
fn ports(facts: &Facts, found: &mut Vec<Finding>) {
    let network = &facts.network;
    if network.bridge.is_none() {
        return;
    }
    let bridge = network.bridge_link().filter(|link| link.kind == "bridge");
    let (mut missing, mut down, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for pod in facts.runtime.pods().iter().filter(|p| p.sandbox.ready && !p.host_network) {
        let record = network.records.iter().find(|r| r.container == pod.sandbox.id);
        let Some(veth) = record.and_then(|r| r.veth.as_deref()) else { continue };
        let name = format!("{}/{}", pod.sandbox.namespace, pod.sandbox.name);
        let Some(link) = network.link(veth) else {
            missing.push(format!("{veth} of pod {name} is gone"));
            continue;
        };
        if !link.up {
            down.push(format!("{veth} of pod {name} is down"));
        }
        if bridge.is_some_and(|b| link.master != Some(b.index)) {
            lost.push(format!("{veth} of pod {name} is not attached to the bridge"));
        }
    }
    // Pods of other networks (Calico's cali...) have no master by design.
    let is_lost =
        |l: &&Link| l.kind == "veth" && l.netnsid.is_some() && l.master.is_none() && l.name.starts_with("veth");
    let unnamed = |l: &&Link| !network.records.iter().any(|r| r.veth.as_deref() == Some(&l.name));
    if bridge.is_some() && !facts.runtime.pods().is_empty() {
        let more = network.links.iter().filter(is_lost).filter(unnamed);
        lost.extend(more.map(|l| format!("{} is not attached to the bridge", l.name)));
    }
    for (code, words) in [(Code::VethMissing, missing), (Code::VethDown, down), (Code::PodsUnattached, lost)] {
        if !words.is_empty() {
            found.push(Finding::new(code, words.into_iter().take(10)));
        }
    }
}

/// Leases of the network in force: those of podman's, nerdctl's and other networks are their programs' own.
fn stale(facts: &Facts, found: &mut Vec<Finding>) {
    // Without containerd's word nobody knows which pods there are.
    if facts.runtime.answer.is_err() {
        return;
    }
    let in_force = facts.cni.in_force().and_then(|conf| conf.network.as_ref().ok());
    let in_force = in_force.filter(|network| made_by(network).is_none()).map(|network| network.name.as_str());
    let leases: Vec<&Lease> = facts.network.leases.iter().filter(|l| Some(l.network.as_str()) == in_force).collect();
    let alive = |id: &str| facts.runtime.pods().iter().any(|p| p.sandbox.id == id);
    let stale: Vec<&Lease> = leases.iter().filter(|l| !alive(&l.container)).copied().collect();
    exhausted(facts, &leases, stale.len(), found);
    if !stale.is_empty() {
        let count = format!("{} of {} leases are of sandboxes that are gone", stale.len(), leases.len());
        let files = stale.iter().map(|l| l.path().display().to_string()).take(10);
        found.push(Finding::new(Code::LeasesStale, std::iter::once(count).chain(files)));
    }
}

/// Whether every address that host-local may give away has a lease: all of the subnet but its network's, its gateway's and,
/// of IPv4, the broadcast address (host-local, backend/allocator/range.go).
fn exhausted(facts: &Facts, leases: &[&Lease], stale: usize, found: &mut Vec<Finding>) {
    for subnet in subnets(facts) {
        let is_v4 = subnet.address().is_ipv4();
        let bits = u32::from(if is_v4 { 32 - subnet.prefix() } else { 128 - subnet.prefix() });
        let Some(all) = 1_usize.checked_shl(bits).filter(|_| bits < usize::BITS) else { continue };
        let usable = all.saturating_sub(if is_v4 { 3 } else { 2 });
        let taken = leases.iter().filter(|lease| subnet.contains(lease.ip)).count();
        if usable > 0 && taken >= usable {
            let words = format!(
                "the range {subnet} is full: {taken} of {usable} addresses have a lease, {stale} of them stale"
            );
            let finding = Finding::new(Code::AddressesExhausted, [words]);
            // Where pods hold them all, only fewer pods or a larger range help.
            let fewer =
                "run fewer pods on this node (maxPods of the kubelet), or give its Node a larger podCIDR in a new join";
            found.push(if stale > 0 { finding } else { finding.by_hand(fewer) });
        }
    }
}
