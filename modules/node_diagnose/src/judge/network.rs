//! The pod network. Before a join there is none to speak of: only the kernel's switches matter then.

mod addresses;
mod bridge;
mod firewall;
mod nftables;

use crate::finding::Finding;
use crate::observe::Facts;
use host::cidr::Cidr;
use host::cni::Network;
use host::links::Link;
use node::code::Code;
use node::remains::{self, Seen};

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    let network = &facts.network;
    remains(facts, found);
    if !facts.joined() {
        return;
    }
    if !network.br_netfilter {
        found.push(Finding::new(Code::BrNetfilterMissing, ["/proc/sys/net/bridge is not there"]));
    }
    if !network.switched_off.is_empty() {
        found.push(Finding::new(Code::ForwardingOff, network.switched_off.clone()));
    }
    let uses_flannel =
        facts.cni.in_force().and_then(|c| c.network.as_ref().ok()).is_some_and(|n| n.types().contains(&"flannel"));
    if uses_flannel && network.flannel.is_none() {
        let finding = Finding::new(Code::FlannelNotRunning, ["/run/flannel/subnet.env is not there"]);
        found.push(match &facts.system_pods.flannel {
            Some(words) => finding.because(format!("flannel's last words: {words}")),
            None => finding,
        });
    }
    pod_cidr(facts, found);
    bridge::judge(facts, found);
    vxlan(facts, found);
    if !network.flannel_path.is_empty() {
        found.push(Finding::new(Code::FlannelPathWrong, network.flannel_path.iter().take(10).map(ToString::to_string)));
    }
    if !network.shadowed.is_empty() {
        found.push(Finding::new(Code::PodRouteShadowed, network.shadowed.iter().take(10).cloned()));
    }
    mtu(facts, found);
    addresses::judge(facts, found);
    firewall::judge(facts, found);
    nftables::judge(facts, found);
    ready(facts, found);
}

/// What networks that do not run here have left. Before a join, too: then it is still easy to mend.
fn remains(facts: &Facts, found: &mut Vec<Finding>) {
    let chains = facts.network.firewall.iter().flat_map(|set| &set.save.tables).flat_map(|table| &table.chains);
    let chains: Vec<&str> = chains.map(|chain| chain.name.as_str()).collect();
    let works = facts.cni.confs.iter().filter(|conf| facts.cni.dead(conf).is_none());
    let types: Vec<&str> = works.filter_map(|conf| conf.network.as_ref().ok()).flat_map(Network::types).collect();
    let (links, sets, running) = (&facts.network.links, &facts.network.sets, &facts.cni.running);
    for left in remains::remains(&Seen { links, chains: &chains, sets, types: &types, running }) {
        let rest = left.until_reboot.iter().map(|what| format!("{}: only a reboot takes {what}", left.network));
        let words = format!("{}: {}", left.network, left.what.join(", "));
        found.push(Finding::new(Code::NetworkLeftBehind, std::iter::once(words).chain(rest)));
    }
}

/// This node's pod subnets: flannel's word, or the API server's.
fn subnets(facts: &Facts) -> Vec<Cidr> {
    let node = facts.api.node.as_ref();
    let listed = node.and_then(|n| n["spec"]["podCIDRs"].as_array()).into_iter().flatten();
    let by_api = listed.filter_map(|c| c.as_str()?.parse::<Cidr>().ok());
    let by_flannel = facts.network.flannel.as_ref().and_then(|f| f.subnet());
    let mut all: Vec<Cidr> = by_api.chain(by_flannel).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// flannel's own network manager takes the Node's podCIDR and nothing else (pkg/subnet/kube), and writes it when it starts.
fn pod_cidr(facts: &Facts, found: &mut Vec<Finding>) {
    let (Some(node), Some(flannel)) = (&facts.api.node, facts.network.flannel.as_ref().and_then(|f| f.subnet())) else {
        return;
    };
    let annotated = node["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"].is_string();
    let Some(own) = node["spec"]["podCIDR"].as_str().and_then(|c| c.parse::<Cidr>().ok()) else { return };
    if annotated && own.address().is_ipv4() == flannel.address().is_ipv4() && own != flannel {
        let words = format!("/run/flannel/subnet.env says {flannel}, the Node's podCIDR is {own}");
        found.push(Finding::new(Code::PodCidrMismatch, [words]));
    }
}

fn vxlan(facts: &Facts, found: &mut Vec<Finding>) {
    // Only the vxlan back end has such a link; flannel notes its back end on the Node.
    let annotations = facts.api.node.as_ref().map(|n| &n["metadata"]["annotations"]);
    let backend = annotations.and_then(|a| a["flannel.alpha.coreos.com/backend-type"].as_str());
    if facts.network.flannel.is_none() || backend.is_none_or(|b| b != "vxlan") {
        return;
    }
    let vxlan = facts.network.links.iter().find(|l| l.name.starts_with("flannel.") && l.vxlan.is_some());
    match vxlan {
        None => found.push(Finding::new(Code::VxlanMissing, ["no link of flannel's is a VXLAN"])),
        Some(link) if !link.up => found.push(Finding::new(Code::VxlanMissing, [format!("{} is down", link.name)])),
        Some(_) => {}
    }
}

/// What a VXLAN adds to every packet over IPv4: outer Ethernet, IP and UDP headers and its own (RFC 7348).
const VXLAN: u32 = 50;

fn mtu(facts: &Facts, found: &mut Vec<Finding>) {
    let links = &facts.network.links;
    let mut words = Vec::new();
    if let Some(allowed) = facts.network.flannel.as_ref().and_then(|f| f.mtu) {
        let bridge = facts.network.bridge_link();
        let ports = links.iter().filter(|l| bridge.is_some_and(|b| l.master == Some(b.index)) && l.kind == "veth");
        let large = |l: &&Link| l.mtu > allowed;
        // A bridge has the smallest MTU of its ports, unless it was given one: without ports it says nothing.
        let bridge = bridge.filter(|b| links.iter().any(|l| l.master == Some(b.index)));
        words.extend(
            bridge
                .into_iter()
                .chain(ports)
                .filter(large)
                .map(|l| format!("{} has MTU {}, flannel's way allows {allowed}", l.name, l.mtu)),
        );
    }
    for tunnel in links.iter().filter(|l| l.name.starts_with("flannel.")) {
        let below = tunnel.vxlan.as_ref().and_then(|v| v.over);
        if let Some(below) = below.and_then(|index| links.iter().find(|l| l.index == index))
            && tunnel.mtu + VXLAN > below.mtu
        {
            let most = below.mtu.saturating_sub(VXLAN);
            words.push(format!("{} has MTU {}, {} below it allows {most}", tunnel.name, tunnel.mtu, below.name));
        }
    }
    if !words.is_empty() {
        found.push(Finding::new(Code::MtuMismatch, words));
    }
}

/// The cluster's word, when nothing else was found that explains it.
fn ready(facts: &Facts, found: &mut Vec<Finding>) {
    let condition = facts.api.node.as_ref().and_then(kubeadm::conditions::ready);
    if let Some(condition) = condition.filter(|condition| condition["status"] != "True") {
        let text = |key: &str| condition[key].as_str().unwrap_or_default().to_owned();
        let words = format!("Ready is {}: {}: {}", text("status"), text("reason"), text("message"));
        found.push(Finding::new(Code::NodeNotReady, [words]));
    }
}
