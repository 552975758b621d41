//! The firewall, as far as it keeps pods from being reached.

use super::BRIDGE;
use crate::finding::Finding;
use crate::observe::Facts;
use host::iptables::{Backend, Family, Rule, Ruleset, Table};

/// Chains that accept the pod network, made by network add-ons and kube-proxy's neighbours.
const ACCEPTING: [&str; 5] = ["FLANNEL-FWD", "CNI-FORWARD", "cali-FORWARD", "CILIUM_FORWARD", "WEAVE-NPC"];

pub(super) fn judge(facts: &Facts, found: &mut Vec<Finding>) {
    mixed(facts, found);
    for set in facts.network.firewall.iter().filter(|s| s.tool.family == Family::V4) {
        if let Some(filter) = set.save.tables.iter().find(|t| t.name == "filter") {
            let network = facts.network.flannel.as_ref().and_then(|f| f.network).map(|n| n.to_string());
            if let Some(words) = dropped(filter, network.as_deref()) {
                found.push(Finding::new("forward_dropped", [format!("{}: {words}", set.tool.name())]));
            }
        }
    }
}

fn mixed(facts: &Facts, found: &mut Vec<Finding>) {
    let kubernetes = |set: &&Ruleset| {
        let chains = set.save.tables.iter().flat_map(|t| &t.chains);
        chains
            .into_iter()
            .any(|c| c.name == "KUBE-SERVICES" || c.name == "KUBE-FORWARD" || c.name.starts_with("FLANNEL-"))
    };
    for family in [Family::V4, Family::V6] {
        let of = |backend| {
            let mut sets =
                facts.network.firewall.iter().filter(|s| s.tool.family == family && s.tool.backend == backend);
            sets.find(kubernetes)
        };
        if let (Some(legacy), Some(nft)) = (of(Backend::Legacy), of(Backend::Nft)) {
            let words = format!("{} and {} both have Kubernetes' chains", legacy.tool.name(), nft.tool.name());
            found.push(Finding::new("iptables_backends_mixed", [words]));
        }
    }
}

/// Why a packet of a pod is dropped in FORWARD, if it is: rules in order, then the policy. Rules that match only some
/// packets (a state, a port, another interface) decide nothing here.
fn dropped(filter: &Table, network: Option<&str>) -> Option<String> {
    for rule in filter.rules.iter().filter(|r| r.chain == "FORWARD") {
        match rule.target.as_deref() {
            Some("ACCEPT") if takes_pods(rule, network) => return None,
            Some(chain) if ACCEPTING.contains(&chain) => return None,
            Some("DROP" | "REJECT") if takes_pods(rule, network) => {
                return Some(String::from_utf8_lossy(&rule.line).into_owned());
            }
            _ => {}
        }
    }
    let policy = filter.chain("FORWARD").and_then(|c| c.policy.as_deref());
    (policy == Some("DROP")).then(|| "the policy of FORWARD is DROP, and no rule accepts the pod network".to_owned())
}

/// Whether the rule is about every packet from or to pods: it has no match, or only the bridge or the pod network.
fn takes_pods(rule: &Rule, network: Option<&str>) -> bool {
    let words = rule.words();
    // `-A FORWARD`, then pairs, then `-j TARGET` and what belongs to the target.
    let matches = words.iter().skip(2).take_while(|w| *w != "-j").collect::<Vec<_>>();
    let ours = |pair: &[&String]| match pair {
        [option, value] => match option.as_str() {
            "-i" | "-o" => *value == BRIDGE,
            "-s" | "-d" => Some(value.as_str()) == network,
            // A comment restricts nothing.
            "-m" => *value == "comment",
            "--comment" => true,
            _ => false,
        },
        _ => false,
    };
    matches.chunks(2).all(ours)
}
