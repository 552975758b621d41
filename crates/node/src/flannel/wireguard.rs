//! The WireGuard back end: one link for each family or for both, and one route to all pods over it. Peers and keys are
//! WireGuard's own and not looked at.

use super::{Fault, Kernel, MAIN, Notes};

const BOTH: &str = "flannel-wg";
const IPV6: &str = "flannel-wg-v6";

pub(super) fn wrong(own: &Notes, kernel: &Kernel) -> Vec<Fault> {
    let named = |name: &str| kernel.links.iter().find(|link| link.name == name && link.kind == "wireguard");
    // In its modes auto, ipv4 and ipv6 one link serves both families.
    let link = if own.ipv6 { named(IPV6).or(named(BOTH)) } else { named(BOTH) };
    let name = if own.ipv6 { IPV6 } else { BOTH };
    let Some(link) = link else { return vec![Fault::Way(format!("there is no WireGuard link {name}"))] };
    if !link.up {
        return vec![Fault::Way(format!("{} is down", link.name))];
    }
    let mut faults = Vec::new();
    let address = own.subnet.map(|subnet| subnet.address());
    if let Some(address) = address.filter(|ip| !link.addresses.iter().any(|known| known.ip == *ip)) {
        faults.push(format!("{} has not the address {address}, this node's in the pod network", link.name));
    }
    let network = kernel.written.network(own.ipv6);
    let leads = |route: &host::routes::Route| {
        route.table == MAIN
            && Some(route.destination) == network
            && route.hops.iter().any(|hop| hop.link == Some(link.index))
    };
    if let Some(network) = network.filter(|_| !kernel.routes.iter().any(leads)) {
        faults.push(format!("no route to the pods' network {network} leads over {}", link.name));
    }
    if let Some(mtu) = kernel.written.mtu.filter(|mtu| *mtu > link.mtu) {
        faults.push(format!("{} has MTU {}, and pods send packets of {mtu} bytes (FLANNEL_MTU)", link.name, link.mtu));
    }
    faults.into_iter().map(Fault::Way).collect()
}
