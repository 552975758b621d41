//! One row for each network plugin: what it leaves on a node, what goes with it, what only a reboot takes, what is told.

/// A network plugin's traces.
#[derive(Debug, PartialEq, Eq)]
pub struct Cni {
    /// What people call it.
    pub name: &'static str,
    /// Types of its CNI plugins: a conf with one of them is its own, whatever the file is called.
    pub types: &'static [&'static str],
    /// Names its networks have in upstream's manifests.
    pub networks: &'static [&'static str],
    /// Links that are its own when their kind and what lies on them agree; see [`crate::links`].
    pub links: &'static [&'static str],
    /// Directories of its state, emptied aggressively.
    pub directories: &'static [&'static str],
    /// Beginnings of its chains; see [`crate::chains`] for what proves them.
    pub chains: &'static [&'static str],
    /// Beginnings of its ipsets.
    pub ipsets: &'static [&'static str],
    /// What stays until the next boot, in words.
    pub until_reboot: &'static [&'static str],
    /// Where its pins in bpffs lie. Unpinning what is attached is left to the next boot.
    pub pins: &'static [&'static str],
}

const NONE: Cni = Cni {
    name: "",
    types: &[],
    networks: &[],
    links: &[],
    directories: &[],
    chains: &[],
    ipsets: &[],
    until_reboot: &[],
    pins: &[],
};

/// The table.
pub static TABLE: &[Cni] = &[
    Cni {
        name: "flannel",
        types: &["flannel"],
        networks: &["cbr0"],
        links: &["flannel.<VNI>", "flannel-v6.<VNI>", "flannel-wg", "flannel-wg-v6", "cni0"],
        directories: &["/run/flannel"],
        chains: &["FLANNEL-"],
        ..NONE
    },
    Cni { name: "bridge (kubejoin's placeholder)", networks: &["cni0"], links: &["cni0"], chains: &["CNI-"], ..NONE },
    Cni {
        name: "Calico",
        types: &["calico", "calico-ipam"],
        networks: &["k8s-pod-network"],
        links: &["cali<hash>", "vxlan.calico", "vxlan-v6.calico", "wireguard.cali", "wg-v6.cali"],
        directories: &["/run/calico", "/var/lib/calico"],
        chains: &["cali-"],
        ipsets: &["cali40", "cali60"],
        until_reboot: &["the module ipip with its link tunl0"],
        pins: &["/sys/fs/bpf/calico", "/sys/fs/bpf/tc/globals/cali_"],
    },
    Cni {
        name: "Cilium",
        types: &["cilium-cni"],
        networks: &["cilium", "cbr0"],
        links: &["cilium_host", "cilium_net", "cilium_vxlan", "cilium_geneve", "lxc<hash>", "lxc_health"],
        directories: &["/run/cilium"],
        chains: &["CILIUM_", "OLD_CILIUM_"],
        until_reboot: &["programs on the machine's own links and on cgroups, which the pins keep alive"],
        pins: &["/sys/fs/bpf/cilium", "/sys/fs/bpf/tc/globals/cilium_"],
        ..NONE
    },
    Cni {
        name: "Weave Net",
        types: &["weave-net"],
        networks: &["weave"],
        links: &["weave", "vethwe-bridge", "vethwe-datapath", "vxlan-6784"],
        directories: &["/var/lib/weave"],
        chains: &["WEAVE"],
        ipsets: &["weave-"],
        until_reboot: &["the Open vSwitch datapath `datapath`"],
        ..NONE
    },
    Cni {
        name: "kube-router",
        types: &[],
        networks: &["kubernetes"],
        links: &["kube-bridge", "kube-dummy-if", "tun-<hash>"],
        directories: &["/var/lib/kube-router"],
        chains: &["KUBE-ROUTER-", "KUBE-NWPLCY-", "KUBE-POD-FW-"],
        ipsets: &["kube-router-", "KUBE-SRC-", "KUBE-DST-"],
        until_reboot: &["its rules and tables of policy routing (77, 78, 79)"],
        ..NONE
    },
    Cni {
        name: "Antrea",
        types: &["antrea"],
        networks: &["antrea"],
        links: &["antrea-gw0", "antrea-tun0"],
        chains: &["ANTREA-"],
        ipsets: &["ANTREA-POD-IP"],
        until_reboot: &["the Open vSwitch bridge br-int with its datapath"],
        ..NONE
    },
    Cni { name: "Multus", types: &["multus", "multus-shim"], networks: &["multus-cni-network"], ..NONE },
];

/// Plugins of which one of these links is, and what of theirs only the next boot takes.
pub fn until_reboot(links: &[&str]) -> Vec<(&'static str, &'static str)> {
    let there = |row: &&Cni| row.links.iter().any(|link| links.contains(link) && *link != "cni0");
    TABLE.iter().filter(there).flat_map(|row| row.until_reboot.iter().map(|what| (row.name, *what))).collect()
}

/// The plugin whose CNI plugins have this type.
pub fn of_type(kind: &str) -> Option<&'static Cni> {
    TABLE.iter().find(|row| row.types.contains(&kind))
}

/// Whether upstream's manifests of some plugin call their network so.
pub fn is_known_network(name: &str) -> bool {
    TABLE.iter().any(|row| row.networks.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_can_be_recognised_by_something() {
        for row in TABLE {
            assert!(!row.types.is_empty() || !row.networks.is_empty(), "{}", row.name);
        }
        assert_eq!(of_type("cilium-cni").map(|row| row.name), Some("Cilium"));
        assert_eq!(until_reboot(&["vxlan.calico", "eth0"]), [("Calico", "the module ipip with its link tunl0")]);
        assert!(until_reboot(&["cni0", "tunl0"]).is_empty());
        assert!(is_known_network("k8s-pod-network") && !is_known_network("podman"));
    }
}
