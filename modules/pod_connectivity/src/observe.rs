//! What there is to check from and to: sandboxes on the pod network, the cluster's DNS, this node's gateway.

use crate::args::Args;
use cri::Client;
use host::deadline::Deadline;
use host::routes;
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

const KUBELET_CONFIG: &str = "/var/lib/kubelet/config.yaml";
const MAIN_TABLE: u32 = 254;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// This node's name.
    pub node: String,
    /// Running sandboxes on the pod network.
    pub pods: Vec<Pod>,
    /// The cluster's DNS server and domain, as the kubelet tells pods.
    pub dns: Option<(IpAddr, String)>,
    /// This node's default gateway.
    pub gateway: Option<IpAddr>,
    /// The size of each source's link, by the sandbox's id; the loopback is not one.
    pub mtus: BTreeMap<String, u16>,
    /// The addresses of names that are to be reached, asked of the cluster's DNS from the first pod that gets an answer.
    pub addresses: BTreeMap<String, IpAddr>,
}

/// A sandbox on the pod network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pod {
    /// The sandbox's id.
    #[serde(skip)]
    pub id: String,
    /// `namespace/name`.
    pub name: String,
    /// Its address.
    pub ip: IpAddr,
    /// Its node.
    pub node: String,
    /// Its network namespace.
    #[serde(skip)]
    pub netns: PathBuf,
    /// Made by us for the time of the checks.
    #[serde(skip)]
    pub temporary: bool,
}

/// Looks; changes nothing.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let node = host::files::read_text("/proc/sys/kernel/hostname")?.unwrap_or_default().trim().to_owned();
    let mut cri = Client::connect(&args.socket, deadline)?;
    let pods = pods(&mut cri, &node)?;
    Ok(State { node, pods, dns: dns()?, gateway: gateway(deadline)?, ..State::default() })
}

/// Running sandboxes that have an address and a network of their own, in the order of their names.
pub fn pods(cri: &mut Client, node: &str) -> anyhow::Result<Vec<Pod>> {
    let mut pods = Vec::new();
    for sandbox in cri.list_pod_sandbox()?.into_iter().filter(|sandbox| sandbox.ready) {
        // One that is removed meanwhile is no pod to check from.
        let Ok(status) = cri.pod_sandbox_status(&sandbox.id) else { continue };
        let netns = status.netns.map(PathBuf::from).or(status.pid.map(|pid| format!("/proc/{pid}/ns/net").into()));
        let ip = status.ips.first().and_then(|ip| ip.parse().ok());
        if let (false, Some(netns), Some(ip)) = (status.host_network, netns, ip) {
            let name = format!("{}/{}", sandbox.namespace, sandbox.name);
            pods.push(Pod { id: sandbox.id, name, ip, node: node.to_owned(), netns, temporary: false });
        }
    }
    pods.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(pods)
}

/// `clusterDNS` and `clusterDomain` of the kubelet's configuration.
fn dns() -> anyhow::Result<Option<(IpAddr, String)>> {
    let Some(text) = host::files::read_text(KUBELET_CONFIG)? else { return Ok(None) };
    let config = kubeadm::kubeconfig::yaml(&text)?;
    let server = config["clusterDNS"][0].as_str().and_then(|server| server.parse().ok());
    let domain = config["clusterDomain"].as_str().unwrap_or("cluster.local").to_owned();
    Ok(server.map(|server| (server, domain)))
}

/// The gateway of the IPv4 default route with the lowest metric.
fn gateway(deadline: &Deadline) -> anyhow::Result<Option<IpAddr>> {
    let mut routes = routes::list(deadline)?;
    routes.retain(|route| {
        route.table == MAIN_TABLE && route.destination.prefix() == 0 && route.destination.address().is_ipv4()
    });
    routes.sort_by_key(|route| route.metric);
    Ok(routes.iter().find_map(|route| route.hops.iter().find_map(|hop| hop.gateway)))
}
