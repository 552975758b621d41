//! What is wrong, from what was seen. Pure.

use crate::observe::{Pod, State};
use crate::signs::{bridge, is_cut_off, is_outside, link, stale_leases, vxlan_fault, wrong_addresses};
use crate::subnet::Subnet;
use host::links::{Address, Link};
use node::cni::Bridged;
use node::code::Code;
use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name; the same as `node_diagnose`'s where that finds it, too.
    pub id: Code,
    /// What was seen.
    pub evidence: String,
    /// What that means for pods.
    pub effect: String,
    /// What mends it.
    pub remedy: String,
    /// Where the documentation speaks of it.
    pub link: String,
}

pub(crate) fn finding(id: Code, evidence: impl Into<String>, effect: &str, remedy: impl Into<String>) -> Finding {
    let link = format!("docs/troubleshooting.md#{id}");
    Finding { id, evidence: evidence.into(), effect: effect.to_owned(), remedy: remedy.into(), link }
}

/// Everything that is wrong, causes before their consequences; nothing on a healthy node.
pub fn findings(state: &State) -> Vec<Finding> {
    let mut found = Vec::new();
    if state.kubelet_held {
        found.push(finding(
            Code::KubeletMasked,
            "the kubelet of this joined node is held back by us",
            "no pod is started or watched",
            "let it go and start it: a repair was killed halfway",
        ));
    }
    if !ansible::Plan::is_empty(&state.handover) {
        found.push(finding(
            if state.handover.placeholders.is_empty() { Code::CniPlaceholderLeft } else { Code::CniPlaceholderShadows },
            state.handover.reason.clone(),
            "pods get addresses that every other node hands out, too",
            "hand over: remove the placeholder and what was made from it",
        ));
    }
    found.extend(state.ahead.findings());
    let Some(network) = &state.network else { return found };
    if network.placeholder && state.handover.placeholders.is_empty() && state.ahead.without_flannels() {
        found.push(finding(
            Code::CniPlaceholderLeft,
            format!("{} is the only network, though flannel has run here", network.conf.display()),
            "pods get addresses that every other node hands out, too",
            "make flannel's pod on this node anew, which installs its file, and hand over to it",
        ));
        return found;
    }
    if network.placeholder && state.handover.placeholders.is_empty() {
        found.push(finding(
            Code::CniPlaceholderOnly,
            format!("{} is the only network", network.conf.display()),
            "pods get addresses that every other node hands out, too",
            "install the real network, such as flannel, on the cluster; nothing can be mended here before",
        ));
        return found;
    }
    if let Some(error) = &state.runtime_error {
        found.push(finding(
            Code::RuntimeUnreachable,
            error.clone(),
            "pods cannot be looked at",
            "see why the container runtime does not answer",
        ));
    }
    let bridge = bridge(state, network);
    found.extend(of_bridge(state, network, bridge));
    if let Some(subnet) = &state.subnet {
        found.extend(bridge.and_then(|bridge| of_addresses(state, bridge, subnet)));
        let outside: Vec<&Pod> = state.pods.iter().filter(|pod| is_outside(pod, subnet)).collect();
        if !outside.is_empty() {
            found.push(finding(
                Code::PodAddressesForeign,
                format!("{} outside {} ({})", names(&outside), subnet.network, subnet.source),
                "nobody else can reach them: other nodes send these addresses elsewhere",
                "recreate these pods",
            ));
        }
    }
    found.extend(of_ports(state, bridge));
    found.extend(of_vxlan(state));
    if !state.flannel_path.is_empty() {
        found.push(finding(
            Code::FlannelPathWrong,
            state.flannel_path.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            "pods of this node and of other nodes do not reach each other",
            "make flannel's pod on this node anew, which sets its way anew",
        ));
    }
    let stale = stale_leases(state);
    if !stale.is_empty() {
        found.push(finding(
            Code::LeasesStale,
            format!("{} addresses are held for sandboxes that no longer exist", stale.len()),
            "pods will fail to start with `no IP addresses available in range set`",
            "delete these leases",
        ));
    }
    found
}

fn of_bridge(state: &State, network: &Bridged, bridge: Option<&Link>) -> Option<Finding> {
    let name = &network.bridge;
    match bridge {
        // Without a pod there is no bridge: the first pod makes it.
        None if state.pods.is_empty() => None,
        None => Some(finding(
            Code::BridgeMissing,
            format!("{} pods run here, and there is no {name}", state.pods.len()),
            "pods of this node reach nobody",
            "make the bridge again and attach the pods",
        )),
        Some(link) if link.kind != "bridge" => Some(finding(
            Code::BridgeIsNoBridge,
            format!("{name} is a {} link", if link.kind.is_empty() { "hardware" } else { &link.kind }),
            "no pod can be attached",
            format!("delete or rename the link {name} by hand: it was not made by Kubernetes"),
        )),
        Some(link) if !link.up => Some(finding(
            Code::BridgeDown,
            format!("{name} is down"),
            "pods of this node reach nobody: Destination Host Unreachable",
            "set it up",
        )),
        Some(_) => None,
    }
}

fn of_addresses(state: &State, bridge: &Link, subnet: &Subnet) -> Option<Finding> {
    let wrong = wrong_addresses(bridge, subnet);
    let right = bridge.addresses.contains(&subnet.gateway);
    let list = wrong.iter().map(Address::to_string).collect::<Vec<_>>().join(", ");
    let ours = format!("{} ({})", subnet.gateway, subnet.source);
    let name = &bridge.name;
    match (right, wrong.is_empty()) {
        (false, false) => Some(finding(
            Code::BridgeAddressWrong,
            format!("{name} has {list} instead of {ours}"),
            "new pods fail with `\"cni0\" already has an IP address different from`, others lose their gateway",
            "give the bridge its address",
        )),
        (false, true) if !state.pods.is_empty() => Some(finding(
            Code::BridgeAddressMissing,
            format!("{name} has no address, it has to have {ours}"),
            "pods have no gateway: they reach each other and nobody else",
            "give the bridge its address",
        )),
        (true, false) => Some(finding(
            Code::BridgeAddressWrong,
            format!("{name} has {list} besides {ours}"),
            "new pods fail with `\"cni0\" already has an IP address different from`",
            "take the other address away",
        )),
        _ => None,
    }
}

fn of_ports(state: &State, bridge: Option<&Link>) -> Vec<Finding> {
    let mut found = Vec::new();
    let veth = |pod: &&Pod| pod.veth.as_deref().and_then(|name| link(state, name)).cloned();
    let gone: Vec<&Pod> = state.pods.iter().filter(|pod| is_cut_off(state, pod)).collect();
    if !gone.is_empty() {
        found.push(finding(
            Code::VethMissing,
            format!("the link of {} is gone", names(&gone)),
            "these pods reach nobody",
            "recreate these pods",
        ));
    }
    let off = |pod: &&Pod| bridge.is_some() && veth(pod).is_some_and(|v| v.master != bridge.map(|b| b.index));
    let detached: Vec<&Pod> = state.pods.iter().filter(off).collect();
    if !detached.is_empty() {
        found.push(finding(
            Code::PodsUnattached,
            format!("{} not attached to the bridge", names(&detached)),
            "these pods reach nobody: Destination Host Unreachable",
            "attach their links",
        ));
    }
    let down: Vec<&Pod> = state.pods.iter().filter(|pod| veth(pod).is_some_and(|veth| !veth.up)).collect();
    if !down.is_empty() {
        found.push(finding(
            Code::VethDown,
            format!("the link of {} is down", names(&down)),
            "these pods reach nobody: Destination Host Unreachable",
            "set it up",
        ));
    }
    found
}

fn of_vxlan(state: &State) -> Option<Finding> {
    let evidence = vxlan_fault(state)?;
    Some(finding(
        Code::VxlanMissing,
        evidence,
        "pods of this node do not reach pods of other nodes",
        "restart flannel's pod on this node, which makes the VXLAN and its routes anew",
    ))
}

/// `pod a/b`, `pods a/b and a/c`, at most five by name.
fn names(pods: &[&Pod]) -> String {
    let shown: Vec<&str> = pods.iter().take(5).map(|pod| pod.name.as_str()).collect();
    let more = pods.len().saturating_sub(shown.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {}{more}", if pods.len() == 1 { "pod" } else { "pods" }, shown.join(", "))
}

#[cfg(test)]
#[path = "findings_tests.rs"]
pub(crate) mod tests;
