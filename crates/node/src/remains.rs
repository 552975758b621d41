//! What pod networks that do not run here have left on a machine: links, chains, sets, pins, by the footprint's table.
//!
//! A chain of theirs may drop, a link may hold the addresses of the network that is wanted. Told, with what takes it away;
//! what is deleted is the reset's affair, which proves more than a name.

use crate::cni::Running;
use footprint::cni::{Cni, TABLE};
use host::links::Link;
use std::path::Path;

/// What was seen that may be of a pod network.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// All links.
    pub links: &'a [Link],
    /// Names of iptables' chains, of every back end.
    pub chains: &'a [&'a str],
    /// Names of ipsets.
    pub sets: &'a [String],
    /// Types of the plugins of those networks that work here.
    pub types: &'a [&'a str],
    /// What runs.
    pub running: &'a Running,
}

/// What one network has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remains {
    /// What people call it.
    pub network: &'static str,
    /// What is there, a few words each.
    pub what: Vec<String>,
    /// What stays until the next boot, in words.
    pub until_reboot: &'static [&'static str],
}

/// What is left, network by network. flannel's and the placeholder's have findings of their own.
pub fn remains(seen: &Seen) -> Vec<Remains> {
    let others = TABLE.iter().filter(|row| !row.networks.iter().any(|name| matches!(*name, "cbr0" | "cni0")));
    let cilium = TABLE.iter().filter(|row| row.types.contains(&"cilium-cni"));
    let absent = others.chain(cilium).filter(|row| !works(row, seen));
    absent.filter_map(|row| of(row, seen, &is_pinned)).collect()
}

/// Its agent runs, or a network with its plugin is one that works here.
fn works(row: &Cni, seen: &Seen) -> bool {
    let agents = crate::cni::agents(row.types).chain(match row.name {
        // Its plugin is the bridge, as others' is.
        "kube-router" => ["kube-router"].as_slice(),
        _ => &[],
    });
    let mut agents = agents.copied();
    row.types.iter().any(|kind| seen.types.contains(kind)) || agents.any(|agent| seen.running.runs(agent))
}

fn of(row: &Cni, seen: &Seen, pinned: &dyn Fn(&Path) -> bool) -> Option<Remains> {
    // A network card has no kind, and is nobody's leftover whatever it is called.
    let links = seen.links.iter().filter(|link| !link.kind.is_empty() && row.links.iter().any(|n| is(n, &link.name)));
    let mut what: Vec<String> = links.map(|link| format!("link {}", link.name)).take(5).collect();
    let counted = |names: Vec<&str>, kind: &str| match names.as_slice() {
        [] => None,
        [one] => Some(format!("{kind} {one}")),
        [first, ..] => Some(format!("{} {kind}s such as {first}", names.len())),
    };
    let begins = |name: &str, with: &[&str]| with.iter().any(|beginning| name.starts_with(beginning));
    let mut chains: Vec<&str> = seen.chains.iter().copied().filter(|chain| begins(chain, row.chains)).collect();
    chains.sort_unstable();
    chains.dedup();
    what.extend(counted(chains, "chain"));
    what.extend(counted(seen.sets.iter().map(String::as_str).filter(|set| begins(set, row.ipsets)).collect(), "ipset"));
    what.extend(row.pins.iter().filter(|pin| pinned(Path::new(pin))).map(|pin| format!("pins in {pin}")));
    (!what.is_empty()).then_some(Remains { network: row.name, what, until_reboot: row.until_reboot })
}

/// A name that ends in `_` is a beginning.
fn is_pinned(pin: &Path) -> bool {
    let (Some(directory), Some(name)) = (pin.parent(), pin.file_name()) else { return false };
    let (name, entries) = (name.to_string_lossy(), host::files::names(directory).unwrap_or_default());
    entries.iter().map(|entry| entry.to_string_lossy()).any(|entry| match name.ends_with('_') {
        true => entry.starts_with(&*name),
        false => entry == name,
    })
}

/// `cali<hash>` stands for a name with a hash of its maker's, which nobody types.
fn is(pattern: &str, name: &str) -> bool {
    let Some((beginning, _)) = pattern.split_once('<') else { return pattern == name };
    let hash = name.strip_prefix(beginning).unwrap_or_default();
    hash.len() >= 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, kind: &str) -> Link {
        Link { name: name.into(), kind: kind.into(), ..Link::default() }
    }

    #[test]
    fn each_network_is_told_by_what_it_left_and_not_while_it_works() {
        let links = [
            link("vxlan.calico", "vxlan"),
            link("cilium_host", "veth"),
            link("weave", "bridge"),
            link("kube-bridge", "bridge"),
            link("antrea-gw0", "openvswitch"),
            link("cali0", "veth"),
            link("wg-v6.cali", ""),
            link("cni0", "bridge"),
        ];
        let chains =
            ["cali-FORWARD", "cali-INPUT", "KUBE-SERVICES", "CNI-HOSTPORT-DNAT", "FLANNEL-FWD", "CILIUM_INPUT"];
        let sets = ["cali40this-host".to_owned(), "weave-iuZcey(5DeXbzgRFs8Szo]<@p".to_owned(), "mine".to_owned()];
        let nothing = Running::default();
        let seen = Seen { links: &links, chains: &chains, sets: &sets, types: &[], running: &nothing };
        let told: Vec<(&str, String)> = remains(&seen).iter().map(|r| (r.network, r.what.join(", "))).collect();
        let wanted = [
            ("Calico", "link vxlan.calico, 2 chains such as cali-FORWARD, ipset cali40this-host"),
            ("Weave Net", "link weave, ipset weave-iuZcey(5DeXbzgRFs8Szo]<@p"),
            ("kube-router", "link kube-bridge"),
            ("Antrea", "link antrea-gw0"),
            ("Cilium", "link cilium_host, chain CILIUM_INPUT"),
        ];
        assert_eq!(told, wanted.map(|(network, words)| (network, words.to_owned())));
        // One by its conf that works, one by its agent.
        let running = Running { processes: vec!["cilium-agent".into(), "kube-router".into(), "weaver".into()] };
        let seen = Seen { types: &["calico", "antrea"], running: &running, ..seen };
        assert_eq!(remains(&seen), []);
    }

    #[test]
    fn a_node_with_flannel_alone_has_nothing_left_over() {
        let links =
            [link("cni0", "bridge"), link("flannel.1", "vxlan"), link("vethb4aecdc2", "veth"), link("eth0", "")];
        let chains = ["KUBE-SERVICES", "KUBE-POD-X", "FLANNEL-POSTRTG", "CNI-0123456789abcdef01234567"];
        let nothing = Running::default();
        let seen =
            Seen { links: &links, chains: &chains, sets: &[], types: &["flannel", "portmap"], running: &nothing };
        assert_eq!(remains(&seen), []);
    }
}
