//! Which links are Kubernetes' own. Pure.
//!
//! By exact name where a name is Kubernetes' alone; a VXLAN only when its name *and* its network identifier are
//! flannel's, because `vxlan` in a name says nothing (a user's own VXLAN on port 8472 stays); a veth only as a port of a
//! bridge that goes. A network card never, whatever it is called: it has no kind, and the kernel would refuse.
//!
//! Names: flannel pkg/backend/{vxlan,wireguard}, kube-proxy pkg/proxy/ipvs (kube-ipvs0), NodeLocal DNSCache
//! (nodelocaldns), kubenet (cbr0), the bridge plugin's default (cni0), Calico felix (vxlan.calico, cali*), Cilium.

use std::collections::BTreeSet;

use super::Link;

/// A link that is Kubernetes', and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Its index.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Why it is Kubernetes', as half a sentence.
    pub reason: String,
}

/// Bridges of pods.
const BRIDGES: [(&str, &str); 2] = [("cni0", "the pods' bridge"), ("cbr0", "kubenet's bridge")];
/// Links that exist under exactly this name.
const NAMED: [(&str, &str); 13] = [
    ("flannel.1", "flannel's VXLAN"),
    ("flannel-v6.1", "flannel's IPv6 VXLAN"),
    ("flannel-wg", "flannel's WireGuard tunnel"),
    ("flannel-wg-v6", "flannel's IPv6 WireGuard tunnel"),
    ("kube-ipvs0", "kube-proxy's service addresses"),
    ("nodelocaldns", "NodeLocal DNSCache's address"),
    ("vxlan.calico", "Calico's VXLAN"),
    ("vxlan-v6.calico", "Calico's IPv6 VXLAN"),
    ("cilium_host", "Cilium's host link"),
    ("cilium_net", "Cilium's host link"),
    ("cilium_vxlan", "Cilium's VXLAN"),
    ("cilium_geneve", "Cilium's Geneve tunnel"),
    ("wireguard.cali", "Calico's WireGuard tunnel"),
];

/// The owned links in an order they can be deleted in: ports before their bridge.
pub fn owned(links: &[Link]) -> Vec<Owned> {
    let bridges: BTreeSet<u32> = links.iter().filter(|link| bridge(link).is_some()).map(|link| link.index).collect();
    let port = |link: &&Link| link.kind == "veth" && link.master.is_some_and(|master| bridges.contains(&master));
    let ports = links.iter().filter(port).map(|link| {
        let master = links.iter().find(|bridge| Some(bridge.index) == link.master);
        claim(link, format!("a pod's end in {}", master.map_or("the pods' bridge", |bridge| &bridge.name)))
    });
    let others = links.iter().filter(|link| !port(link));
    let others = others.filter_map(|link| reason(link).map(|reason| claim(link, reason)));
    ports.chain(others).collect()
}

fn claim(link: &Link, reason: String) -> Owned {
    Owned { index: link.index, name: link.name.clone(), reason }
}

fn bridge(link: &Link) -> Option<&'static str> {
    // Not only kind `bridge`: the name is what the next CNI ADD trips over, whatever wears it.
    BRIDGES.iter().find(|(name, _)| link.name == *name && !link.kind.is_empty()).map(|(_, reason)| *reason)
}

fn reason(link: &Link) -> Option<String> {
    if link.kind.is_empty() {
        return None;
    }
    let named = NAMED.iter().find(|(name, _)| link.name == *name).map(|(_, reason)| *reason);
    bridge(link)
        .or(named)
        .map(str::to_owned)
        .or_else(|| flannel_vxlan(link))
        .or_else(|| calico_veth(link).then(|| "a pod's end of Calico".to_owned()))
}

/// flannel names its VXLAN after the identifier: flannel.4096 with Windows nodes.
fn flannel_vxlan(link: &Link) -> Option<String> {
    let id = ["flannel.", "flannel-v6."].iter().find_map(|prefix| link.name.strip_prefix(prefix))?;
    let vxlan = link.vxlan.as_ref()?;
    (id == vxlan.id.to_string()).then(|| format!("flannel's VXLAN with identifier {id}"))
}

/// `cali` and the first 11 hexadecimal digits of a SHA-1 (Calico cni-plugin, pkg/k8s).
fn calico_veth(link: &Link) -> bool {
    let digits = link.name.strip_prefix("cali").unwrap_or_default();
    link.kind == "veth" && digits.len() == 11 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::Vxlan;

    fn link(index: u32, name: &str, kind: &str, master: Option<u32>) -> Link {
        Link { index, name: name.to_owned(), kind: kind.to_owned(), master, ..Link::default() }
    }

    fn vxlan(name: &str, id: u32) -> Link {
        Link { vxlan: Some(Vxlan { id, port: 8472, ..Vxlan::default() }), ..link(50, name, "vxlan", None) }
    }

    fn names(links: &[Link]) -> Vec<String> {
        owned(links).into_iter().map(|owned| owned.name).collect()
    }

    #[test]
    fn everything_named_in_the_reset_goes_ports_first() {
        let mut links = vec![link(3, "cni0", "bridge", None), link(4, "cbr0", "bridge", None)];
        links.extend([
            link(5, "vetha7cd9427", "veth", Some(3)),
            link(6, "veth1", "veth", Some(4)),
            vxlan("flannel.1", 1),
        ]);
        let kinds = [("flannel-v6.1", "vxlan"), ("flannel-wg", "wireguard"), ("flannel-wg-v6", "wireguard")];
        links.extend(kinds.map(|(name, kind)| link(9, name, kind, None)));
        links.extend(["kube-ipvs0", "nodelocaldns"].map(|name| link(9, name, "dummy", None)));
        assert_eq!(names(&links).len(), links.len());
        assert_eq!(names(&links)[..2], ["vetha7cd9427", "veth1"]);
    }

    #[test]
    fn other_peoples_links_stay_whatever_their_names_contain() {
        let links = [
            link(1, "lo", "", None),
            link(2, "eth0", "", None),
            link(3, "docker0", "bridge", None),
            link(4, "veth77", "veth", Some(3)),
            link(5, "cni-podman0", "bridge", None),
            link(6, "podman0", "bridge", None),
            link(7, "virbr0", "bridge", None),
            link(8, "wg0", "wireguard", None),
            link(9, "veth-mine", "veth", None),
            link(10, "mycni0", "bridge", None),
            link(11, "california", "veth", None),
            link(12, "cali0123456789a", "bridge", None),
            vxlan("vxlan100", 1),
            vxlan("my-flannel.1", 1),
            vxlan("flannel.7", 8),
            vxlan("vxlan.calico2", 4096),
        ];
        assert_eq!(names(&links), Vec::<String>::new());
    }

    #[test]
    fn a_network_card_is_never_owned_but_flannels_vxlan_with_another_identifier_is() {
        assert_eq!(names(&[link(2, "cni0", "", None), vxlan("flannel.4096", 4096)]), ["flannel.4096"]);
        assert_eq!(names(&[link(2, "cali0123456789a", "veth", None)]), ["cali0123456789a"]);
    }
}
