//! Which way leads to the cluster: proxies, and the addresses on either end of it that are this machine's.

use crate::planned::PlannedJoin;
use kubeadm::endpoint::source_towards;
use kubeadm::proxy::Proxies;
use serde_json::Value;
use std::net::{IpAddr, ToSocketAddrs};

/// In a network for documentation: the way there is the default route. Nothing is sent.
const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));
/// The API server's own service in a cluster of kubeadm's defaults.
const SERVICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 96, 0, 1));

/// The way to the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Way {
    /// By the variables of this process, which kubeadm inherits.
    pub proxies: Proxies,
    /// An address of the cluster's service network.
    pub service_address: Option<IpAddr>,
    /// The address that the kubelet will give its Node, unless told otherwise.
    pub node_address: Option<IpAddr>,
    /// The address from which this machine reaches the API server.
    pub source: Option<IpAddr>,
}

/// Looks; `config` is the kubelet's configuration, where there is one, which names the cluster's DNS service.
pub(super) fn observe(join: &PlannedJoin, node_name: &str, config: Option<&Value>) -> Way {
    let dns = config.and_then(|config| config["clusterDNS"][0].as_str()?.parse().ok());
    let server = join.endpoint().and_then(|server| addresses(&server.host).into_iter().next());
    Way {
        proxies: Proxies::of_environment(),
        service_address: dns.or(Some(SERVICE)),
        node_address: node_address(node_name),
        source: server.filter(|server| !server.is_loopback()).and_then(source_towards),
    }
}

/// As the kubelet chooses (`pkg/kubelet/nodestatus/setters.go`, NodeAddress): what the host's name resolves to, when that
/// is this machine's and IPv4, else the address of the default route.
fn node_address(node_name: &str) -> Option<IpAddr> {
    let usable = |address: &IpAddr| address.is_ipv4() && !address.is_loopback() && kubeadm::endpoint::is_own(*address);
    addresses(node_name).into_iter().find(usable).or_else(|| source_towards(ELSEWHERE))
}

fn addresses(host: &str) -> Vec<IpAddr> {
    (host, 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default()
}
