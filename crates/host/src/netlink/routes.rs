//! Route messages to and from [`Route`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Result, bail};
use futures_util::stream::TryStreamExt as _;
use rtnetlink::packet_route::AddressFamily;
use rtnetlink::packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHop, RouteNextHopFlags, RouteType,
    RouteVia,
};
use rtnetlink::{Handle, RouteMessageBuilder};

use super::{gone_is_done, kernel_error, with_socket};
use crate::cidr::Cidr;
use crate::deadline::Deadline;
use crate::routes::{NextHop, Route};

pub(crate) fn list_routes(deadline: &Deadline) -> Result<Vec<Route>> {
    with_socket(deadline, "listing routes", async |handle| {
        Ok(read(&handle).await?.into_iter().map(|(route, _)| route).collect())
    })
}

pub(crate) fn delete_routes(routes: &[Route], deadline: &Deadline) -> Result<()> {
    with_socket(deadline, "deleting routes", async |handle| {
        let mut failures = Vec::new();
        for (route, message) in read(&handle).await? {
            // The kernel's own message goes back to it, so that it is this route and no other.
            if routes.contains(&route)
                && let Err(error) = gone_is_done(handle.route().del(only_key(message)).execute().await)
            {
                failures.push(format!("{route}: {error}"));
            }
        }
        if failures.is_empty() { Ok(()) } else { bail!("{}", failures.join("; ")) }
    })
}

async fn read(handle: &Handle) -> Result<Vec<(Route, RouteMessage)>> {
    let mut routes = Vec::new();
    for all in [RouteMessageBuilder::<Ipv4Addr>::new().build(), RouteMessageBuilder::<Ipv6Addr>::new().build()] {
        let mut messages = std::pin::pin!(handle.route().get(all).execute());
        while let Some(message) = messages.try_next().await.map_err(kernel_error)? {
            // Exceptions cached by the kernel are not in any table.
            if !message.header.flags.contains(RouteFlags::Cloned)
                && let Some(route) = route(&message)
            {
                routes.push((route, message));
            }
        }
    }
    Ok(routes)
}

fn route(message: &RouteMessage) -> Option<Route> {
    let header = &message.header;
    let unspecified: IpAddr = match header.address_family {
        AddressFamily::Inet => Ipv4Addr::UNSPECIFIED.into(),
        AddressFamily::Inet6 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let mut destination = unspecified;
    let mut route = Route {
        destination: Cidr::around(unspecified, 0).ok()?,
        hops: Vec::new(),
        table: u32::from(header.table),
        protocol: u8::from(header.protocol),
        scope: u8::from(header.scope),
        kind: kind(header.kind),
        metric: 0,
        source: None,
    };
    let onlink = header.flags.contains(RouteFlags::Onlink);
    let mut hop = NextHop { link: None, gateway: None, onlink };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => destination = ip(address)?,
            RouteAttribute::MultiPath(hops) => route.hops = hops.iter().map(next_hop).collect(),
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Priority(metric) => route.metric = *metric,
            RouteAttribute::PrefSource(address) => route.source = ip(address),
            other => fill(&mut hop, other),
        }
    }
    if hop.link.is_some() || hop.gateway.is_some() {
        route.hops.push(hop);
    }
    route.destination = Cidr::around(destination, header.destination_prefix_length).ok()?;
    Some(route)
}

fn next_hop(hop: &RouteNextHop) -> NextHop {
    let mut next = NextHop {
        link: Some(hop.interface_index),
        gateway: None,
        onlink: hop.flags.contains(RouteNextHopFlags::Onlink),
    };
    hop.attributes.iter().for_each(|attribute| fill(&mut next, attribute));
    next
}

fn fill(hop: &mut NextHop, attribute: &RouteAttribute) {
    match attribute {
        RouteAttribute::Oif(index) => hop.link = Some(*index),
        RouteAttribute::Gateway(address) => hop.gateway = ip(address),
        RouteAttribute::Via(RouteVia::Inet(address)) => hop.gateway = Some((*address).into()),
        RouteAttribute::Via(RouteVia::Inet6(address)) => hop.gateway = Some((*address).into()),
        _ => {}
    }
}

/// What the kernel compares when it looks for the route to delete; the rest of a dumped message is for reading only.
fn only_key(mut message: RouteMessage) -> RouteMessage {
    message.header.flags &= RouteFlags::Onlink;
    message.attributes.retain(|attribute| {
        matches!(
            attribute,
            RouteAttribute::Destination(_)
                | RouteAttribute::Source(_)
                | RouteAttribute::Gateway(_)
                | RouteAttribute::Via(_)
                | RouteAttribute::Oif(_)
                | RouteAttribute::Priority(_)
                | RouteAttribute::Table(_)
                | RouteAttribute::PrefSource(_)
                | RouteAttribute::MultiPath(_)
                | RouteAttribute::NhId(_)
        )
    });
    if message.attributes.iter().any(|a| matches!(a, RouteAttribute::Table(t) if *t > 255)) {
        message.header.table = RouteHeader::RT_TABLE_UNSPEC;
    }
    message
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(ip) => Some((*ip).into()),
        RouteAddress::Inet6(ip) => Some((*ip).into()),
        _ => None,
    }
}

fn kind(kind: RouteType) -> &'static str {
    match kind {
        RouteType::Unicast => "unicast",
        RouteType::Local => "local",
        RouteType::Broadcast => "broadcast",
        RouteType::Anycast => "anycast",
        RouteType::Multicast => "multicast",
        RouteType::BlackHole => "blackhole",
        RouteType::Unreachable => "unreachable",
        RouteType::Prohibit => "prohibit",
        RouteType::Throw => "throw",
        _ => "other",
    }
}
