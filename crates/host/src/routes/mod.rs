//! Routes of the pod networks: which are Kubernetes', and deleting exactly those.
//!
//! A route is Kubernetes' when its destination lies within a pod network that the caller names, *and* it leads nowhere
//! but over links that are Kubernetes' own, or over an on-link gateway that is itself a pod address (how flannel points
//! at a peer: flannel, pkg/backend/vxlan). A static route into the same range through a real network card is the
//! administrator's, and stays; so does a host-gw route of flannel, which cannot be told from one.

use std::fmt;
use std::net::IpAddr;

use anyhow::Result;

use crate::cidr::Cidr;
use crate::deadline::Deadline;
use crate::links::Link;
use crate::netlink;

/// The kernel's table of its own addresses.
const LOCAL_TABLE: u32 = 255;

/// One route, of any table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Where to; 0.0.0.0/0 and ::/0 are the default routes.
    pub destination: Cidr,
    /// Where over; more than one for a multipath route, none for a blackhole.
    pub hops: Vec<NextHop>,
    /// 254 is the main table.
    pub table: u32,
    /// Who made it: 2 kernel, 3 boot, 4 static, ... (rtnetlink(7)).
    pub protocol: u8,
    /// 0 global, 253 link, 254 host.
    pub scope: u8,
    /// `unicast`, `local`, `blackhole`, ...
    pub kind: &'static str,
    /// The metric.
    pub metric: u32,
    /// The preferred source address.
    pub source: Option<IpAddr>,
}

/// Where a route leads over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// Index of the link.
    pub link: Option<u32>,
    /// The gateway.
    pub gateway: Option<IpAddr>,
    /// Whether the gateway is taken to be on the link whatever the addresses say.
    pub onlink: bool,
}

/// All routes of both families and all tables.
pub fn list(deadline: &Deadline) -> Result<Vec<Route>> {
    netlink::list_routes(deadline)
}

/// Which routes are Kubernetes'. `owned_links` are indices of links that are Kubernetes' own.
pub fn owned(routes: &[Route], pod_networks: &[Cidr], owned_links: &[u32]) -> Vec<Route> {
    let leads_into_pods = |hop: &NextHop| {
        let over_ours = hop.link.is_some_and(|index| owned_links.contains(&index));
        let gateway = hop.gateway.is_some_and(|ip| pod_networks.iter().any(|network| network.contains(ip)));
        over_ours || hop.onlink && gateway
    };
    let is_owned = |route: &&Route| {
        route.table != LOCAL_TABLE
            && pod_networks.iter().any(|network| network.contains_network(&route.destination))
            && !route.hops.is_empty()
            && route.hops.iter().all(leads_into_pods)
    };
    routes.iter().filter(is_owned).cloned().collect()
}

/// Delete these routes; one that is gone already is no error.
pub fn delete(routes: &[Route], deadline: &Deadline) -> Result<()> {
    if routes.is_empty() { Ok(()) } else { netlink::delete_routes(routes, deadline) }
}

/// A route as text with the names of its links instead of their numbers, which change: for a proof of sameness.
pub fn described(route: &Route, links: &[Link]) -> String {
    let name = |index: u32| {
        links.iter().find(|l| l.index == index).map_or_else(|| format!("link {index}"), |l| l.name.clone())
    };
    let mut text = format!("{} {}", route.kind, route.destination);
    for hop in &route.hops {
        text += &hop.gateway.map(|ip| format!(" via {ip}")).unwrap_or_default();
        text += &hop.link.map(|index| format!(" dev {}", name(index))).unwrap_or_default();
        text += if hop.onlink { " onlink" } else { "" };
    }
    text += &route.source.map(|ip| format!(" src {ip}")).unwrap_or_default();
    text + &format!(" table {} proto {} scope {} metric {}", route.table, route.protocol, route.scope, route.metric)
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&described(self, &[]))
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
