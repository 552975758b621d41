//! What to do about it, in order. Pure: the plan after it is done is empty.
//!
//! Pods whose own addresses are right stay alive, whatever is wrong around them: the bridge is made again under them,
//! its address exchanged, their links attached. Only a pod with an address of another network, or without a link, is
//! recreated; when that is every pod, the bridge goes with them, and the network plugin makes both anew.

use crate::args::Args;
use crate::findings::Finding;
use crate::observe::{Pod, State};
use crate::signs::{bridge, is_cut_off, is_outside, link, stale_leases, wrong_addresses};
pub use crate::step::{Rebuild, Step};
use host::links::{Hairpin, Link};
use node::code::Code;
use node::flannel::Fault;
use std::path::PathBuf;

/// The steps, and what was left undone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// What is wrong and was not to be touched.
    pub left: Vec<String>,
}

/// Decides.
pub fn plan(args: &Args, state: &State, findings: &[Finding]) -> Plan {
    let mut plan = Plan::default();
    if state.kubelet_held {
        plan.steps.push(Step::ReleaseKubelet);
    }
    // The hand-over changes all that the rest depends on, so the rest is looked at again after it.
    if !ansible::Plan::is_empty(&state.handover) {
        plan.steps.push(Step::HandOver(Box::new(state.handover.clone())));
        return plan;
    }
    let ahead = state.ahead.plan(state);
    plan.left.extend(ahead.left);
    if !ahead.steps.is_empty() {
        plan.steps.extend(ahead.steps);
        return plan;
    }
    let unmendable = [Code::CniPlaceholderOnly, Code::BridgeIsNoBridge, Code::RuntimeUnreachable];
    plan.left
        .extend(findings.iter().filter(|f| unmendable.contains(&f.id)).map(|f| format!("{}: {}", f.id, f.evidence)));
    let Some(network) = state.network.as_ref().filter(|network| !network.placeholder) else { return plan };
    let is_lost = |pod: &&Pod| is_cut_off(state, pod) || state.subnet.as_ref().is_some_and(|s| is_outside(pod, s));
    let (lost, kept): (Vec<&Pod>, Vec<&Pod>) = state.pods.iter().partition(is_lost);
    if !lost.is_empty() && !args.recreate_pods {
        plan.left.extend(lost.iter().map(|pod| format!("pod {} has to be recreated", pod.name)));
    }
    let existing = bridge(state, network);
    if existing.is_some_and(|bridge| bridge.kind != "bridge") {
        return plan;
    }
    let bridge_goes = kept.is_empty() && !has_other_ports(state);
    if !lost.is_empty() && args.recreate_pods {
        plan.steps.push(Step::Rebuild(Box::new(Rebuild {
            network: network.clone(),
            pods: lost.iter().map(|pod| (*pod).clone()).collect(),
            links: if bridge_goes { bridge_and_ports(state) } else { Vec::new() },
            files: files_of(state, &lost),
        })));
    }
    // A pod that was to go and did not still needs the bridge's address as it is.
    let stuck = !lost.is_empty() && !args.recreate_pods;
    let wrong = |bridge: &Link| state.subnet.as_ref().is_some_and(|subnet| !wrong_addresses(bridge, subnet).is_empty());
    match existing {
        _ if stuck => {}
        // Pods that nobody can name may be on it: only what cannot hurt them.
        Some(bridge) if state.runtime_error.is_some() && !bridge.up => {
            plan.steps.push(Step::SetUp(bridge.name.clone()))
        }
        _ if state.runtime_error.is_some() => {}
        // Nobody is on it: the network plugin makes it anew, with all that belongs to it.
        Some(bridge) if state.pods.is_empty() && !has_ports(state) && wrong(bridge) => {
            plan.steps.push(Step::DeleteBridge(Box::new(bridge.clone())));
        }
        Some(_) if lost.is_empty() || !bridge_goes => mend(state, &kept, &mut plan.steps),
        None if !kept.is_empty() => mend(state, &kept, &mut plan.steps),
        _ => {}
    }
    let by_flannel = [Code::VxlanMissing, Code::FlannelPathWrong];
    if let Some(finding) = findings.iter().find(|finding| by_flannel.contains(&finding.id)) {
        match state.flannel.as_slice() {
            [] if !state.ahead.kubelet_runs => {
                plan.left.push(format!("{}: flannel's pod does not run on this node", finding.id));
            }
            pods => {
                let tunnels = wrong_tunnels(state);
                if !tunnels.is_empty() {
                    plan.steps.push(Step::DeleteTunnel(tunnels));
                }
                plan.steps.push(Step::RestartFlannel(pods.to_vec(), Box::new(state.ahead.clone())));
            }
        }
    }
    let stale: Vec<PathBuf> = stale_leases(state).iter().map(|lease| lease.path.clone()).collect();
    if !stale.is_empty() {
        plan.steps.push(Step::DeleteLeases(stale));
    }
    plan
}

/// flanneld takes a link that is there as it is, whatever its MTU or hardware address: one that is wrong goes first.
fn wrong_tunnels(state: &State) -> Vec<Link> {
    let is_wrong = state.flannel_path.iter().any(|fault| matches!(fault, Fault::Device(_)));
    let of_flannel = |link: &&Link| link.name.starts_with("flannel") && link.vxlan.is_some();
    state.links.iter().filter(of_flannel).filter(|_| is_wrong).cloned().collect()
}

/// Around pods that stay.
fn mend(state: &State, kept: &[&Pod], steps: &mut Vec<Step>) {
    let Some(network) = &state.network else { return };
    let name = || network.bridge.clone();
    let bridge = bridge(state, network);
    match bridge {
        None => steps.push(Step::AddBridge(name())),
        Some(bridge) if !bridge.up => steps.push(Step::SetUp(name())),
        Some(_) => {}
    }
    if let Some(subnet) = &state.subnet {
        let addresses = bridge.map(|bridge| bridge.addresses.as_slice()).unwrap_or_default();
        let wrong = bridge.map(|bridge| wrong_addresses(bridge, subnet)).unwrap_or_default();
        steps.extend(wrong.into_iter().map(|address| Step::DeleteAddress(name(), address)));
        // A bridge that nobody is on may be without: the first pod brings it.
        if !addresses.contains(&subnet.gateway) && (!addresses.is_empty() || !kept.is_empty()) {
            steps.push(Step::AddAddress(name(), subnet.gateway));
        }
    }
    for veth in kept.iter().filter_map(|pod| link(state, pod.veth.as_deref()?)) {
        if veth.master.is_none() || veth.master != bridge.map(|bridge| bridge.index) {
            let hairpin = if network.hairpin { Hairpin::On } else { Hairpin::Off };
            steps.push(Step::Attach(veth.name.clone(), name(), hairpin));
        }
        if !veth.up {
            steps.push(Step::SetUp(veth.name.clone()));
        }
    }
    if bridge.is_none() {
        steps.push(Step::Announce(name()));
    }
}

fn ports(state: &State) -> impl Iterator<Item = &Link> {
    let bridge = state.network.as_ref().and_then(|network| bridge(state, network)).map(|bridge| bridge.index);
    state.links.iter().filter(move |link| bridge.is_some() && link.master == bridge)
}

fn has_ports(state: &State) -> bool {
    ports(state).next().is_some()
}

/// Somebody else hung a link of theirs on the bridge. Where libcni recorded no links, the number of ports has to do.
fn has_other_ports(state: &State) -> bool {
    if state.pods.iter().any(|pod| pod.veth.is_none()) {
        return ports(state).count() > state.pods.len();
    }
    ports(state).any(|port| !state.pods.iter().any(|pod| pod.veth.as_deref() == Some(&port.name)))
}

/// What is kept on disk for these pods: their addresses, and how their network was made.
fn files_of(state: &State, pods: &[&Pod]) -> Vec<PathBuf> {
    let theirs = |id: &str| pods.iter().any(|pod| pod.id == id);
    let leases = state.leases.iter().filter(|lease| theirs(&lease.container)).map(|lease| lease.path.clone());
    let records = state.records.iter().filter(|record| theirs(&record.container)).map(|record| record.file.clone());
    leases.chain(records).collect()
}

fn bridge_and_ports(state: &State) -> Vec<Link> {
    let Some(bridge) = state.network.as_ref().and_then(|network| bridge(state, network)) else { return Vec::new() };
    ports(state).filter(|link| link.kind == "veth").chain([bridge]).cloned().collect()
}

impl Plan {
    /// The steps as text.
    pub fn describe(&self) -> Vec<String> {
        self.steps.iter().flat_map(Step::describe).collect()
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
pub(crate) mod tests;

#[cfg(test)]
#[path = "plan_properties.rs"]
mod properties;
