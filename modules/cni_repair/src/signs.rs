//! What single facts mean, for findings and plan alike. Pure.

use crate::observe::{Lease, Pod, State};
use crate::subnet::Subnet;
use host::links::{Address, Link};
use node::cni::Bridged;
use std::net::IpAddr;
use std::time::Duration;

/// A younger lease may be of a pod that is being made: containerd lists a sandbox only when its network is up.
const YOUNG: Duration = Duration::from_secs(30);

/// What is wrong with flannel's VXLAN: it is down (its routes are gone with that), or it is not there although the Node
/// says that this is flannel's back end.
pub fn vxlan_fault(state: &State) -> Option<String> {
    let of_flannel = |link: &&Link| link.name.starts_with("flannel") && link.vxlan.is_some();
    match state.links.iter().find(of_flannel) {
        Some(link) if !link.up => Some(format!("{} is down", link.name)),
        Some(_) => None,
        None => state.wants_vxlan.then(|| "no link of flannel's is a VXLAN".to_owned()),
    }
}

/// Leases of sandboxes that the runtime does not know; none while it does not answer.
pub fn stale_leases(state: &State) -> Vec<&Lease> {
    unknown_leases(state).filter(|lease| lease.age >= YOUNG).collect()
}

/// Whether there are leases of which only time tells whether they are stale.
pub fn has_young_leases(state: &State) -> bool {
    unknown_leases(state).any(|lease| lease.age < YOUNG)
}

fn unknown_leases(state: &State) -> impl Iterator<Item = &Lease> {
    let known = state.sandboxes.as_ref();
    state.leases.iter().filter(move |lease| known.is_some_and(|known| !known.contains(&lease.container)))
}

/// Addresses of the bridge, of the subnet's family, that are not the right one. Link-local ones make themselves.
pub fn wrong_addresses(bridge: &Link, subnet: &Subnet) -> Vec<Address> {
    let same_family = |address: &&Address| address.ip.is_ipv4() == subnet.gateway.ip.is_ipv4();
    let local = |ip: IpAddr| matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local());
    let all = bridge.addresses.iter().filter(same_family);
    all.filter(|address| **address != subnet.gateway && !local(address.ip)).copied().collect()
}

/// Whether a pod has an address, of the subnet's family, of another network.
pub fn is_outside(pod: &Pod, subnet: &Subnet) -> bool {
    let same_family = |ip: &&IpAddr| ip.is_ipv4() == subnet.gateway.ip.is_ipv4();
    pod.ips.iter().filter(same_family).any(|ip| !subnet.network.contains(*ip))
}

/// Whether the host's end of a pod's veth was recorded and is gone.
pub fn is_cut_off(state: &State, pod: &Pod) -> bool {
    pod.veth.as_deref().is_some_and(|name| link(state, name).is_none())
}

/// The network's bridge.
pub fn bridge<'a>(state: &'a State, network: &Bridged) -> Option<&'a Link> {
    link(state, &network.bridge)
}

/// The link called `name`.
pub fn link<'a>(state: &'a State, name: &str) -> Option<&'a Link> {
    state.links.iter().find(|link| link.name == name)
}
