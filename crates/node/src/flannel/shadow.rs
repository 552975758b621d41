//! Routes that take packets for pods elsewhere: a more specific one than flannel's or the bridge's wins, whoever made it (a
//! VPN, a second network card in the same range, an administrator's blackhole), while all that flannel set is there.

use super::{Kernel, MAIN, Notes, is_peer};
use host::cidr::Cidr;
use host::links::Link;
use host::routes::{self, Route};

/// A sentence for each such route. `bridge` is the bridge of this node's pods.
pub fn shadowed(own: &[Notes], peers: &[Notes], kernel: &Kernel, bridge: &str) -> Vec<String> {
    let mut words = Vec::new();
    for own in own {
        let others = peers.iter().filter(|peer| is_peer(own, peer));
        let others = others.filter_map(|peer| Some((peer.subnet?, format!("node {}", peer.name))));
        for (subnet, whose) in own.subnet.map(|subnet| (subnet, "this node".to_owned())).into_iter().chain(others) {
            let taken = kernel.routes.iter().filter(|route| takes(route, subnet, kernel, bridge));
            words.extend(taken.map(|route| {
                format!("{} takes packets for pods of {whose} ({subnet})", routes::described(route, &kernel.links))
            }));
        }
    }
    words
}

/// A route into the subnet that is more specific than flannel's own way there, and leads another way.
fn takes(route: &Route, subnet: Cidr, kernel: &Kernel, bridge: &str) -> bool {
    let inside = subnet.contains_network(&route.destination) && route.destination != subnet;
    // Networks that give each pod a route of its own lead over its veth.
    let of_pods = |link: &Link| link.name == bridge || link.kind == "veth" || link.name.starts_with("flannel");
    let over = |index: u32| kernel.links.iter().any(|link| link.index == index && of_pods(link));
    let own = route.hops.iter().any(|hop| hop.link.is_some_and(over));
    route.table == MAIN && inside && !own && route.kind != "throw"
}
