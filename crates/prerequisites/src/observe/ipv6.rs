//! IPv6 forwarding, and what it would take away: a kernel that forwards heeds no router advertisement, and drops the default
//! routes that it has from them at once, except on interfaces whose `accept_ra` is 2 (Documentation/networking/ip-sysctl.rst,
//! `rt6_purge_dflt_routers`). Where systemd-networkd or NetworkManager read the advertisements, the routes are theirs.

use super::boot::Boot;
use super::{Facts, text};
use crate::settings::IPV6_FORWARDING;

const ROUTES: &str = "/proc/net/ipv6_route";
/// RTF_DEFAULT and RTF_ADDRCONF: a default route that the kernel has made of an advertisement (linux/ipv6_route.h).
const ADVERTISED: u32 = 0x0001_0000 | 0x0004_0000;

/// IPv6 forwarding as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ipv6 {
    /// net.ipv6.conf.all.forwarding; none on a kernel without IPv6.
    pub forwarding: Option<bool>,
    /// Interfaces whose default route is from an advertisement and that would lose it.
    pub at_stake: Vec<String>,
    /// Whether the next boot brings both.
    pub at_boot: bool,
}

/// Looks; only for a cluster that has pods with IPv6.
pub(super) fn observe(facts: &mut Facts) {
    let boot = Boot::observe().ok();
    let at_boot = |name: &str| boot.as_ref().and_then(|boot| boot.setting(name)).unwrap_or_default();
    let learned = learned();
    facts.ipv6 = Some(Ipv6 {
        forwarding: super::kernel::flag(&text("/proc/sys/net/ipv6/conf/all/forwarding")),
        at_boot: at_boot(IPV6_FORWARDING) == "1"
            && learned.iter().all(|link| at_boot(&format!("net.ipv6.conf.{link}.accept_ra")) == "2"),
        at_stake: learned.into_iter().filter(|link| text(accept_ra(link)) != "2").collect(),
    });
}

/// Where an interface's setting is.
pub fn accept_ra(link: &str) -> String {
    format!("/proc/sys/net/ipv6/conf/{link}/accept_ra")
}

/// Interfaces that have a default route which the kernel has made of an advertisement.
pub fn learned() -> Vec<String> {
    read(&text(ROUTES))
}

/// Destination and source with their lengths, next hop, metric, two counters, flags, interface; in hexadecimal.
fn read(table: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, length, _, _, _, _, _, _, flags, link] = fields.as_slice() else { continue };
        let flags = u32::from_str_radix(flags, 16).unwrap_or(0);
        if *length == "00" && flags & ADVERTISED == ADVERTISED && !links.iter().any(|known| known == link) {
            links.push((*link).to_owned());
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_default_route_of_an_advertisement_is_told_from_one_that_was_set() {
        let zero = "0".repeat(32);
        let table = format!(
            "{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00450003     eth0\n\
             {zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth1\n\
             20010db8000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00440001     eth2\n\
             {zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo\n"
        );
        assert_eq!(read(&table), ["eth0"]);
    }
}
