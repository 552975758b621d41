//! iptables' rules, as far as they keep pods from being reached.

use crate::finding::Finding;
use crate::observe::Facts;
use firewall::iptables::{Backend, Family, Rule, Ruleset, Table, Verdict, may_pass, walk};
use firewall::packet::Packet;
use node::code::Code;

/// Chains that accept the pod network, made by network add-ons and kube-proxy's neighbours.
const ACCEPTING: [&str; 5] = ["FLANNEL-FWD", "CNI-FORWARD", "cali-FORWARD", "CILIUM_FORWARD", "WEAVE-NPC"];

/// Chains that the kubelet makes, in whichever back end the host has, while kube-proxy may choose the other one for its
/// own container (pkg/kubelet/kubelet_network_linux.go): they alone prove nothing.
const BY_KUBELET: [&str; 6] = [
    "KUBE-IPTABLES-HINT",
    "KUBE-KUBELET-CANARY",
    "KUBE-FIREWALL",
    "KUBE-MARK-DROP",
    "KUBE-MARK-MASQ",
    "KUBE-POSTROUTING",
];

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    mixed(facts, found);
    let bridge = facts.network.bridge.as_deref().unwrap_or("cni0");
    for set in facts.network.firewall.iter().filter(|s| s.tool.family == Family::V4) {
        // A table that iptables has no words for is read by nft.
        if let Some(filter) = set.save.tables.iter().find(|t| t.name == "filter" && !t.by_handle) {
            let network = facts.network.flannel.as_ref().and_then(|f| f.network).map(|n| n.to_string());
            if let Some(words) = dropped(filter, &Ours { bridge, network: network.as_deref() }) {
                found.push(Finding::new(Code::ForwardDropped, [format!("{}: {words}", set.tool.name())]));
            }
            let blocked: Vec<String> =
                tunnel_dropped(facts, filter).map(|words| format!("{}: {words}", set.tool.name())).collect();
            if !blocked.is_empty() {
                found.push(Finding::new(Code::TunnelBlocked, blocked));
            }
        }
    }
}

/// Rules that drop what flannel's VXLAN sends to other nodes, or gets from them.
fn tunnel_dropped<'a>(facts: &'a Facts, filter: &'a Table) -> impl Iterator<Item = String> + 'a {
    let links = &facts.network.links;
    let tunnels = links.iter().filter(|link| link.name.starts_with("flannel.") && link.up);
    let tunnels = tunnels.filter_map(|link| link.vxlan.as_ref()).filter_map(|vxlan| Some((vxlan, vxlan.local?)));
    tunnels.flat_map(move |(vxlan, local)| {
        let over = links.iter().find(|link| Some(link.index) == vxlan.over).map_or("", |link| link.name.as_str());
        let peers = facts.network.peers.iter().copied().filter(move |peer| peer.is_ipv4() && local.is_ipv4());
        peers.flat_map(move |peer| {
            ["INPUT", "OUTPUT"].into_iter().filter_map(move |chain| {
                let comes = chain == "INPUT";
                let (source, destination) = if comes { (peer, local) } else { (local, peer) };
                let (input, output) = if comes { (over, "") } else { ("", over) };
                let (port, answer, unmarked) = (Some(vxlan.port), false, true);
                let packet = Packet { source, destination, input, output, protocol: "udp", port, answer, unmarked };
                match walk(filter, chain, &packet) {
                    Some(Verdict::Dropped(rule)) if !may_pass(filter, chain, &packet) => {
                        Some(format!("{rule} drops UDP port {} from {source} to {destination}", vxlan.port))
                    }
                    _ => None,
                }
            })
        })
    })
}

fn mixed(facts: &Facts, found: &mut Vec<Finding>) {
    let prefixes = ["KUBE-", "FLANNEL-", "CNI-"];
    let of_kubernetes = |name: &str| prefixes.iter().any(|p| name.starts_with(p)) && !BY_KUBELET.contains(&name);
    let kubernetes = |set: &&Ruleset| set.save.tables.iter().flat_map(|t| &t.chains).any(|c| of_kubernetes(&c.name));
    for family in [Family::V4, Family::V6] {
        let of = |backend| {
            let mut sets =
                facts.network.firewall.iter().filter(|s| s.tool.family == family && s.tool.backend == backend);
            sets.find(kubernetes)
        };
        if let (Some(legacy), Some(nft)) = (of(Backend::Legacy), of(Backend::Nft)) {
            let words = format!("{} and {} both have Kubernetes' chains", legacy.tool.name(), nft.tool.name());
            found.push(Finding::new(Code::IptablesBackendsMixed, [words]));
        }
    }
}

/// What a rule about pods is about.
struct Ours<'a> {
    bridge: &'a str,
    network: Option<&'a str>,
}

/// Why a packet of a pod is dropped in FORWARD, if it is: rules in order, then the policy. Rules that match only some
/// packets (a state, a port, another interface) decide nothing here.
fn dropped(filter: &Table, ours: &Ours) -> Option<String> {
    for rule in filter.rules.iter().filter(|r| r.chain == "FORWARD") {
        match rule.target.as_deref() {
            Some("ACCEPT") if takes_pods(rule, ours) => return None,
            Some(chain) if ACCEPTING.contains(&chain) => return None,
            Some("DROP" | "REJECT") if takes_pods(rule, ours) => {
                return Some(String::from_utf8_lossy(&rule.line).into_owned());
            }
            _ => {}
        }
    }
    let policy = filter.chain("FORWARD").and_then(|c| c.policy.as_deref());
    (policy == Some("DROP")).then(|| "the policy of FORWARD is DROP, and no rule accepts the pod network".to_owned())
}

/// Whether the rule is about every packet from or to pods: it has no match, or only the bridge or the pod network.
fn takes_pods(rule: &Rule, ours: &Ours) -> bool {
    let words = rule.words();
    // `-A FORWARD`, then pairs, then `-j TARGET` and what belongs to the target.
    let matches = words.iter().skip(2).take_while(|w| *w != "-j").collect::<Vec<_>>();
    let only_ours = |pair: &[&String]| match pair {
        [option, value] => match option.as_str() {
            "-i" | "-o" => *value == ours.bridge,
            "-s" | "-d" => Some(value.as_str()) == ours.network,
            // A comment restricts nothing.
            "-m" => *value == "comment",
            "--comment" => true,
            _ => false,
        },
        _ => false,
    };
    matches.chunks(2).all(only_ours)
}
