//! Which checks are made, from which pods. Pure.

use crate::args::{Args, Peer};
use crate::observe::{Pod, State};
use crate::probe::Probe;
use crate::target::{How, Target};
use std::net::{IpAddr, SocketAddr};

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is done.
    pub probe: Probe,
    /// Who is to be reached, for people.
    pub to: String,
    /// Where that is.
    pub place: Place,
}

/// Where a target is, seen from the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A pod of this node.
    SameNode,
    /// A pod of another node.
    OtherNode,
    /// What the user named, and the DNS server.
    Named,
    /// Outside the cluster.
    Outside,
}

impl Place {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Place::SameNode => "same_node",
            Place::OtherNode => "other_node",
            Place::Named => "named",
            Place::Outside => "outside",
        }
    }
}

/// All checks: from each source, in order.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// The pods checks are made from.
    pub sources: Vec<Pod>,
    /// What is checked from each of them; an index of a source and its check.
    pub all: Vec<(usize, Check)>,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

/// Decides which.
pub fn of(args: &Args, state: &State) -> anyhow::Result<Checks> {
    let mut checks = Checks { sources: sources(args, &state.pods), ..Checks::default() };
    let peers = args.peers()?;
    let missing: Vec<String> =
        args.sources.iter().filter(|n| !checks.sources.iter().any(|p| p.name == **n)).cloned().collect();
    checks.left_out.extend(missing.iter().map(|name| format!("source {name}: no such pod runs here")));
    let peers: Vec<&Peer> = peers.iter().filter(|peer| !state.pods.iter().any(|pod| pod.ip == peer.ip)).collect();
    if peers.len() > args.max_targets {
        checks.left_out.push(format!("{} pods of other nodes beyond max_targets", peers.len() - args.max_targets));
    }
    let named = [(args.targets()?, Place::Named), (args.outside()?, Place::Outside)];
    for (index, source) in checks.sources.iter().enumerate() {
        let size = if args.mtu { state.mtus.get(&source.id).copied() } else { None };
        let others = state.pods.iter().filter(|pod| pod.id != source.id).take(args.max_targets);
        let echoes = others.map(|pod| (pod.ip, pod.name.clone(), Place::SameNode));
        let away = peers.iter().take(args.max_targets).map(|peer| (peer.ip, of_node(peer), Place::OtherNode));
        for (ip, to, place) in echoes.chain(away).filter(|(ip, ..)| ip.is_ipv4() == source.ip.is_ipv4()) {
            let mut add =
                |size| checks.all.push((index, Check { probe: Probe::Icmp { to: ip, size }, to: to.clone(), place }));
            add(None);
            size.map(Some).into_iter().for_each(&mut add);
        }
        for (targets, place) in &named {
            for target in targets {
                match target.ip().or_else(|| state.addresses.get(&target.host).copied()) {
                    Some(ip) => checks
                        .all
                        .push((index, Check { probe: probe(target, ip), to: target.text.clone(), place: *place })),
                    None => checks.left_out.push(format!("{}: its name has no address", target.text)),
                }
            }
        }
        if let Some((server, name)) = dns(args, state.dns.as_ref()) {
            let to = format!("dns://{server}/{name}");
            checks.all.push((
                index,
                Check { probe: Probe::Dns { server: SocketAddr::new(server, 53), name }, to, place: Place::Named },
            ));
        }
        if let (true, Some(ip)) = (args.wants_gateway(), state.gateway) {
            let check =
                Check { probe: Probe::Icmp { to: ip, size: None }, to: format!("gateway {ip}"), place: Place::Outside };
            checks.all.push((index, check));
        }
    }
    checks.left_out.sort();
    checks.left_out.dedup();
    Ok(checks)
}

/// The pods that checks are made from.
pub fn sources(args: &Args, pods: &[Pod]) -> Vec<Pod> {
    let wanted = |pod: &&Pod| args.sources.is_empty() || args.sources.contains(&pod.name);
    pods.iter().filter(wanted).take(args.max_sources.max(args.sources.len())).cloned().collect()
}

fn of_node(peer: &Peer) -> String {
    if peer.node.is_empty() { peer.name.clone() } else { format!("{} on {}", peer.name, peer.node) }
}

/// The DNS server and the name it is asked for.
pub fn dns(args: &Args, known: Option<&(IpAddr, String)>) -> Option<(IpAddr, String)> {
    let (server, domain) = match (args.dns_server.as_deref(), known) {
        (Some(""), _) | (None, None) => return None,
        (Some(server), known) => (server.parse().ok()?, known.as_ref().map_or("cluster.local", |(_, domain)| domain)),
        (None, Some((server, domain))) => (*server, domain.as_str()),
    };
    Some((server, args.dns_name.clone().unwrap_or_else(|| format!("kubernetes.default.svc.{domain}"))))
}

fn probe(target: &Target, ip: IpAddr) -> Probe {
    let to = SocketAddr::new(ip, target.port);
    match &target.how {
        How::Icmp => Probe::Icmp { to: ip, size: None },
        How::Tcp => Probe::Tcp { to },
        How::Http(path) => Probe::Http { to, host: target.host.clone(), path: path.clone() },
        How::Dns(name) => Probe::Dns { server: to, name: name.clone() },
    }
}

#[cfg(test)]
#[path = "checks_tests.rs"]
mod tests;
