//! What of the network is Kubernetes', taken together: pod networks, links, routes, firewall.
//!
//! Which link, route, chain or table is owned is decided by `footprint`; here they are looked at once, so that plan and
//! proof speak of the same. Only the network in force for Kubernetes counts: a conf that lies about is not enough.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Result;
use firewall::iptables::{self, Owner, TableRemoval};
use firewall::{ipset, ipvs, nftables};
use footprint::links::{Owned, Surroundings};
use host::cidr::Cidr;
use host::deadline::Deadline;
use host::links::Link;
use host::routes::Route;
use host::{files, links, routes};

use super::cni::Networks;
use crate::done::Done;

/// What is known before the network itself is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Pod networks that the options name, and those that an earlier, unfinished run knew.
    pub pod_networks: Vec<String>,
    /// CNI's.
    pub cni: Networks,
    /// Network namespaces of pods: of their processes, and those that they left.
    pub namespaces: Vec<PathBuf>,
    /// Links that were proved to be Kubernetes' at an earlier look: a pod's end whose other end is just being taken down
    /// leads nowhere any more.
    pub proved: Vec<Link>,
}

/// The network as it is.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// By what it was judged.
    pub given: Given,
    /// The cluster's pod networks, as far as the node knows them.
    pub pod_networks: Vec<Cidr>,
    /// Links that go, with the reason.
    pub links: Vec<Owned>,
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
    /// Sets of ipset that go.
    pub sets: Vec<String>,
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
    /// Links and chains that are called like Kubernetes', and why they stay.
    pub kept: Vec<(PathBuf, String)>,
}

/// Looks again, knowing what the first look proved.
pub fn again(first: &Network, deadline: &Deadline) -> Result<Network> {
    let mut given = first.given.clone();
    given.pod_networks.extend(first.pod_networks.iter().map(ToString::to_string));
    given.proved.extend(first.links.iter().map(|owned| owned.link.clone()));
    observe(given, deadline)
}

/// Deletes links and routes that are there now: removing the pods has taken some of them away.
pub fn delete(planned: &Network, done: &mut Done, deadline: &Deadline) -> Result<()> {
    let now = again(planned, deadline)?;
    routes::delete(&now.routes, deadline)?;
    let list: Vec<Link> = now.links.iter().map(|owned| owned.link.clone()).collect();
    links::delete(&list, deadline)?;
    // With the pods have gone their ends in the bridge, and routes: what is reported is what of the plan is not there any more.
    let left = links::list(deadline)?;
    let is_left = |link: &Link| left.iter().any(|other| link.is_still(other));
    let gone = planned.links.iter().map(|owned| &owned.link).filter(|link| !is_left(link));
    done.links.extend(gone.map(|link| link.name.clone()));
    done.routes.clone_from(&planned.route_texts);
    Ok(())
}

/// Looks; changes nothing.
pub fn observe(given: Given, deadline: &Deadline) -> Result<Network> {
    let all_links = links::list(deadline)?;
    let all_routes = routes::list(deadline)?;
    let flannel = flannels(&given)?;
    let mut pod_networks: Vec<Cidr> = flannel.iter().chain(&given.cni.subnets).copied().collect();
    pod_networks.extend(given.pod_networks.iter().filter_map(|text| text.trim().parse::<Cidr>().ok()));
    pod_networks.extend(of_flannels_link(&all_links));
    pod_networks.retain(is_plausible);
    pod_networks.sort();
    pod_networks.dedup();
    let surroundings = Surroundings {
        links: &all_links,
        routes: &all_routes,
        pod_networks: &pod_networks,
        pod_namespaces: &links::namespace_ids(&given.namespaces, deadline)?,
        bridges: &given.cni.bridges,
        proved: &given.proved,
    };
    let (owned_links, kept_links) = footprint::links::judge(&surroundings);
    let owner = Owner { pod_networks: pod_networks.clone(), networks: given.cni.ours.clone(), flannel };
    let indices: Vec<u32> = owned_links.iter().map(|owned| owned.link.index).collect();
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
    let links = kept_links.into_iter().map(|kept| (format!("link {}", kept.name), kept.why));
    let unproved = iptables::unproved(&rulesets, &owner).into_iter();
    let chains = unproved.map(|chain| (format!("chain {chain}"), "nothing in it is Kubernetes'".to_owned()));
    let foreign_rules = iptables::foreign(&rulesets, &owner);
    let sets = ipset::list(deadline)?.into_iter().filter(|name| footprint::ipsets::owner(name).is_some());
    let used = |set: &String| {
        let option = format!("--match-set {set} ");
        foreign_rules.iter().any(|rule| rule.contains(&option))
    };
    let (used, sets): (Vec<String>, Vec<String>) = sets.partition(used);
    let used =
        used.into_iter().map(|set| (format!("ipset {set}"), "a rule that is not Kubernetes' uses it".to_owned()));
    let names: Vec<&str> = all_links.iter().map(|link| link.name.as_str()).collect();
    let later = footprint::cni::until_reboot(&names).into_iter();
    let later = later.map(|(plugin, what)| (plugin.to_owned(), format!("{what}: until the next boot")));
    let kept = links.chain(chains).chain(used).chain(later).map(|(name, why)| (PathBuf::from(name), why)).collect();
    Ok(Network {
        pod_links: all_links.iter().filter(|link| link.kind == "veth").map(|link| link.name.clone()).collect(),
        links: owned_links,
        route_texts: owned_routes.iter().map(|route| routes::described(route, &all_links)).collect(),
        routes: owned_routes,
        unseen: iptables::unseen(&rulesets, &tables)?,
        firewall: iptables::removals(&rulesets, &owner),
        foreign_rules,
        foreign_routes,
        ipvs,
        sets,
        tables: nftables::owned(&tables),
        pod_networks,
        owner,
        kept,
        given,
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

/// flannel's networks: from its environment, or, when an earlier run has deleted that, from what that run knew.
fn flannels(given: &Given) -> Result<Vec<Cidr>> {
    let environment = files::read_optional("/run/flannel/subnet.env")?.unwrap_or_default();
    let environment = String::from_utf8_lossy(&environment).into_owned();
    let named =
        environment.lines().filter_map(|line| line.split_once("NETWORK=")).flat_map(|(_, value)| value.split(','));
    let known = given.pod_networks.iter().map(String::as_str);
    let networks: BTreeSet<Cidr> = named.chain(known).filter_map(|text| text.trim().parse().ok()).collect();
    Ok(networks.into_iter().filter(is_plausible).collect())
}

/// Without its environment, flannel's VXLAN still has the first address of this node's subnet, and the pods' bridge the
/// next one with the subnet's prefix.
fn of_flannels_link(links: &[Link]) -> Vec<Cidr> {
    let single = |link: &&Link| link.name.starts_with("flannel") && link.vxlan.is_some();
    let firsts: Vec<std::net::IpAddr> =
        links.iter().filter(single).flat_map(|link| &link.addresses).map(|a| a.ip).collect();
    let bridges = links.iter().filter(|link| link.kind == "bridge" && link.name == "cni0");
    let networks = bridges.flat_map(|link| &link.addresses).filter_map(|address| address.network().ok());
    networks.filter(|network| firsts.contains(&network.address())).collect()
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
