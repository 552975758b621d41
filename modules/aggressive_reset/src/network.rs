//! What of the network is Kubernetes', taken together: pod networks, links, routes, firewall.
//!
//! Which link, route, chain or table is owned is decided in `host`; here they are looked at once, so that plan and proof
//! speak of the same.

use std::collections::BTreeSet;

use anyhow::Result;
use firewall::iptables::{self, Owner, TableRemoval};
use firewall::{ipvs, nftables};
use host::cidr::Cidr;
use host::deadline::Deadline;
use host::routes::Route;
use host::{cni, files, links, routes};

use crate::targets::CNI_CONF;

/// The network as it is.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The cluster's pod networks, as far as the node knows them.
    pub pod_networks: Vec<Cidr>,
    /// Links that go, with the reason.
    pub links: Vec<links::Owned>,
    /// Routes that go; those over the links above go with them.
    pub routes: Vec<Route>,
    /// The same in words.
    pub route_texts: Vec<String>,
    /// Chains and rules that go.
    pub firewall: Vec<TableRemoval>,
    /// Tables of the kernel that no program here can show.
    pub unseen: Vec<String>,
    /// nftables tables that go.
    pub tables: Vec<nftables::Table>,
    /// Names of veths: those of pods go with the pods, and their routes with them.
    pub pod_links: Vec<String>,
    /// IPVS services that go.
    pub ipvs: Vec<ipvs::Service>,
    /// Firewall rules of others.
    pub foreign_rules: Vec<String>,
    /// Routes of others.
    pub foreign_routes: Vec<String>,
    /// Whose chains are whose.
    pub owner: Owner,
}

/// Looks; changes nothing. `known` are pod networks that an earlier, unfinished run knew.
pub fn observe(known: &[String], foreign_networks: &BTreeSet<String>, deadline: &Deadline) -> Result<Network> {
    let all_links = links::list(deadline)?;
    let owned_links = links::owned(&all_links);
    let mut pod_networks = pod_networks(known)?;
    for link in all_links.iter().filter(|link| owned_links.iter().any(|owned| owned.index == link.index)) {
        // The pods' bridge and flannel's VXLAN carry addresses of this node's own pod network.
        pod_networks.extend(link.addresses.iter().filter_map(|address| address.network().ok()).filter(is_plausible));
    }
    pod_networks.sort();
    pod_networks.dedup();
    let mut owner = Owner { pod_networks: pod_networks.clone(), ..Owner::default() };
    owner.foreign_networks.extend(foreign_networks.iter().cloned());
    let indices: Vec<u32> = owned_links.iter().map(|link| link.index).collect();
    let all_routes = routes::list(deadline)?;
    let owned_routes = routes::owned(&all_routes, &pod_networks, &indices);
    let over_ours = |route: &Route| route.hops.iter().any(|hop| hop.link.is_some_and(|index| indices.contains(&index)));
    let foreign_routes = all_routes
        .iter()
        .filter(|route| !owned_routes.contains(route) && !over_ours(route))
        .map(|route| routes::described(route, &all_links))
        .collect();
    let bound = all_links.iter().filter(|link| link.name == "kube-ipvs0").flat_map(|link| &link.addresses);
    let bound: Vec<std::net::IpAddr> = bound.map(|address| address.ip).collect();
    let ipvs = ipvs::owned(&ipvs::list()?, &bound, &pod_networks);
    let rulesets = iptables::read(deadline)?;
    let tables = nftables::tables(deadline)?;
    Ok(Network {
        pod_links: all_links.iter().filter(|link| link.kind == "veth").map(|link| link.name.clone()).collect(),
        links: owned_links,
        route_texts: owned_routes.iter().map(|route| routes::described(route, &all_links)).collect(),
        routes: owned_routes,
        unseen: iptables::unseen(&rulesets, &tables)?,
        firewall: iptables::removals(&rulesets, &owner),
        foreign_rules: iptables::foreign(&rulesets, &owner),
        foreign_routes,
        ipvs,
        tables: nftables::owned(&tables),
        pod_networks,
        owner,
    })
}

/// Link-local addresses and whole-internet masks are no pod network.
fn is_plausible(network: &Cidr) -> bool {
    let local = match network.address() {
        std::net::IpAddr::V4(address) => address.is_link_local() || address.is_loopback(),
        std::net::IpAddr::V6(address) => address.is_unicast_link_local() || address.is_loopback(),
    };
    !local && network.prefix() >= 8
}

/// From flannel's environment, from CNI configuration, from kube-proxy's configuration, and from before.
fn pod_networks(known: &[String]) -> Result<Vec<Cidr>> {
    let mut texts: Vec<String> = known.to_vec();
    let environment = files::read_optional("/run/flannel/subnet.env")?.unwrap_or_default();
    for line in String::from_utf8_lossy(&environment).lines() {
        if let Some((_, value)) = line.split_once("NETWORK=") {
            texts.extend(value.split(',').map(str::to_owned));
        }
    }
    for conf in cni::load(CNI_CONF)? {
        for plugin in conf.network.into_iter().flat_map(|network| network.plugins) {
            let Some(ipam) = plugin.get("ipam") else { continue };
            let ranges = ipam["ranges"].as_array().into_iter().flatten().filter_map(|set| set.as_array()).flatten();
            let subnets = ranges.map(|range| &range["subnet"]).chain([&ipam["subnet"]]);
            texts.extend(subnets.filter_map(|subnet| subnet.as_str()).map(str::to_owned));
        }
    }
    Ok(texts.iter().filter_map(|text| text.trim().parse().ok()).filter(is_plausible).collect())
}

/// Lines of `before` that are not in `now`, each as often as it was there.
pub fn missing(before: &[String], now: &[String]) -> Vec<String> {
    let mut left: Vec<&String> = now.iter().collect();
    let gone = before.iter().filter(|line| match left.iter().position(|other| other == line) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    });
    gone.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_counted() {
        let lines = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(missing(&lines("a b a"), &lines("a c b")), lines("a"));
        assert!(missing(&lines("a"), &lines("x a")).is_empty());
    }

    #[test]
    fn link_local_networks_are_no_pod_networks() {
        let plausible = |text: &str| is_plausible(&text.parse().unwrap());
        assert!(plausible("10.244.1.0/24") && plausible("fd00:10::/64"));
        assert!(!plausible("169.254.0.0/16") && !plausible("fe80::/64") && !plausible("0.0.0.0/0"));
    }
}
