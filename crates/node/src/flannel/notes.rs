//! What flanneld notes on a Node (flannel, pkg/subnet/kube: annotations.go, kube.go).

use host::cidr::Cidr;
use serde_json::Value;
use std::net::IpAddr;

const NOTE: &str = "flannel.alpha.coreos.com";

/// The notes on a Node for one family.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// The Node's name.
    pub name: String,
    /// `vxlan`, `host-gw`, ...
    pub backend: String,
    /// Of the IPv6 network.
    pub ipv6: bool,
    /// The hardware address that other nodes send to, in lower case.
    pub mac: Option<String>,
    /// The VXLAN network identifier.
    pub vni: Option<u64>,
    /// The address that other nodes send to.
    pub public_ip: Option<IpAddr>,
    /// The Node's pods.
    pub subnet: Option<Cidr>,
    /// Somebody says which address that is (public-ip-overwrite): it need not be the node's own.
    pub overwritten: bool,
    /// The addresses that the cluster has for the Node.
    pub addresses: Vec<IpAddr>,
}

impl Notes {
    /// Reads a Node: one for each family that flannel has noted an address of, IPv4 first.
    pub fn of(node: &Value) -> Vec<Self> {
        [false, true].into_iter().filter_map(|ipv6| Self::of_family(node, ipv6)).collect()
    }

    fn of_family(node: &Value, ipv6: bool) -> Option<Self> {
        let [data, address] = if ipv6 { ["backend-v6-data", "public-ipv6"] } else { ["backend-data", "public-ip"] };
        let meta = &node["metadata"];
        let note = |name: &str| meta["annotations"][format!("{NOTE}/{name}")].as_str();
        // The other family's notes are "null" or not there at all.
        let public_ip = note(address).and_then(|ip| ip.parse::<IpAddr>().ok()).filter(|ip| ip.is_ipv6() == ipv6)?;
        let data: Value = note(data).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let listed = node["status"]["addresses"].as_array().into_iter().flatten();
        let subnets = node["spec"]["podCIDRs"].as_array().into_iter().flatten().chain([&node["spec"]["podCIDR"]]);
        let mut subnets = subnets.filter_map(|cidr| cidr.as_str()?.parse::<Cidr>().ok());
        Some(Notes {
            name: meta["name"].as_str().unwrap_or_default().to_owned(),
            backend: note("backend-type")?.to_owned(),
            ipv6,
            mac: data["VtepMAC"].as_str().map(str::to_lowercase),
            vni: data["VNI"].as_u64(),
            public_ip: Some(public_ip),
            overwritten: note(&format!("{address}-overwrite")).is_some(),
            subnet: subnets.find(|subnet| subnet.address().is_ipv6() == ipv6),
            addresses: listed.filter_map(|address| address["address"].as_str()?.parse().ok()).collect(),
        })
    }

    /// What the family's links of flannel's are called: `flannel.1`, `flannel-v6.1`; `flannel-wg`, `flannel-wg-v6`.
    pub fn is_tunnel(&self, link: &str) -> bool {
        let of_family = if self.ipv6 { "flannel-v6." } else { "flannel." };
        link.strip_prefix(of_family).is_some_and(|vni| vni.bytes().all(|byte| byte.is_ascii_digit()))
    }
}
