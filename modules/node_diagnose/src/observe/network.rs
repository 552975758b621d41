//! The pod network: links, routes, firewall, the kernel's switches, flannel's subnet file and host-local's leases.

use super::Missed;
use super::api::Api;
use super::runtime::Runtime;
use cri::Client;
use firewall::ipset;
use firewall::iptables::{self, Ruleset};
use firewall::nftables::{self, Filters};
use host::cidr::Cidr;
use host::deadline::{Deadline, Expired, Look};
use host::files;
use host::links::{self, Link};
use node::cni::records::{self, Record};
use node::flannel::{Fault, Kernel, Notes, SETTLED, shadowed, wrong};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Where host-local keeps its leases (containernetworking/plugins, plugins/ipam/host-local).
const LEASES: &str = "/var/lib/cni/networks";
/// Where libcni keeps what it has attached.
const RESULTS: &str = "/var/lib/cni/results";
/// A lease that is older has a sandbox, or never will.
const YOUNG: Duration = Duration::from_secs(60);
/// How long a pod that is being made is given to be listed: the network is up before the sandbox is.
const MADE: Duration = Duration::from_secs(4);
/// What flannel writes when it knows this node's subnet.
const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// What was seen of the network.
#[derive(Debug, Default)]
pub struct Network {
    /// All links of the node.
    pub links: Vec<Link>,
    /// iptables' rules, every back end.
    pub firewall: Vec<Ruleset>,
    /// What nft itself holds besides.
    pub filters: Filters,
    /// /proc/sys/net/bridge is there: br_netfilter is loaded.
    pub br_netfilter: bool,
    /// Switches that have to be 1, and are not.
    pub switched_off: Vec<String>,
    /// flannel's subnet file.
    pub flannel: Option<Flannel>,
    /// What of flannel's way to other nodes differs from what it noted on the Nodes.
    pub flannel_path: Vec<Fault>,
    /// Routes that take packets for pods elsewhere.
    pub shadowed: Vec<String>,
    /// The addresses that flannel reaches other nodes at.
    pub peers: Vec<IpAddr>,
    /// Names of ipsets.
    pub sets: Vec<String>,
    /// Leases of addresses.
    pub leases: Vec<Lease>,
    /// The bridge that the CNI configuration makes; none when it makes none.
    pub bridge: Option<String>,
    /// Which link is which pod's, by libcni's records.
    pub records: Vec<Record>,
}

/// /run/flannel/subnet.env.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flannel {
    /// FLANNEL_NETWORK.
    pub network: Option<Cidr>,
    /// FLANNEL_SUBNET: the bridge's address, with the subnet's prefix.
    pub bridge: Option<(IpAddr, u8)>,
    /// FLANNEL_MTU.
    pub mtu: Option<u32>,
}

/// One address that host-local has given away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The network's name.
    pub network: String,
    /// The address.
    pub ip: IpAddr,
    /// The sandbox it was given to.
    pub container: String,
    /// How long ago.
    pub age: Duration,
}

impl Lease {
    /// Its file.
    pub fn path(&self) -> PathBuf {
        Path::new(LEASES).join(&self.network).join(self.ip.to_string())
    }
}

impl Flannel {
    /// This node's subnet.
    pub fn subnet(&self) -> Option<Cidr> {
        self.bridge.and_then(|(ip, prefix)| Cidr::around(ip, prefix).ok())
    }
}

impl Network {
    /// Waits for the sandboxes of leases that were taken just now: an address is taken before its sandbox is listed, so a
    /// young lease without one may be of a pod that is being made. Those that get one are forgotten.
    pub fn forget_young_leases(&mut self, socket: &str, runtime: &Runtime, deadline: &Deadline) {
        let known = |id: &String| runtime.pods().iter().any(|pod| pod.sandbox.id == *id);
        let unknown = |lease: &&Lease| lease.age < YOUNG && !known(&lease.container);
        let mut young: Vec<String> = self.leases.iter().filter(unknown).map(|lease| lease.container.clone()).collect();
        if young.is_empty() || runtime.answer.is_err() {
            return;
        }
        let limit = deadline.at_most(MADE);
        // Those that are left at the end have no sandbox: that is what is to be found out.
        let _left = limit.poll(Duration::from_millis(500), "sandboxes of young leases", || {
            let listed = Client::connect(socket, &limit)?.list_pod_sandbox()?;
            self.leases.retain(|l| !(young.contains(&l.container) && listed.iter().any(|s| s.id == l.container)));
            // One whose file has gone was given back.
            self.leases.retain(|l| !young.contains(&l.container) || l.path().exists());
            young.retain(|id| self.leases.iter().any(|l| l.container == *id));
            Ok(if young.is_empty() { Look::Ready(()) } else { Look::NotYet(young.join(", ")) })
        });
    }

    /// Compares flannel's way with the Nodes, twice when it differs: a node that has just come is noted a moment before
    /// flanneld here has set its way.
    pub fn compare_flannel(&mut self, api: &Api, deadline: &Deadline, missed: &mut Missed) {
        let own = api.node.as_ref().map(Notes::of).unwrap_or_default();
        if own.is_empty() || self.flannel.is_none() {
            return;
        }
        let others = api.flannel.iter().filter(|peer| own.iter().all(|own| own.name != peer.name));
        self.peers = others.filter_map(|peer| peer.public_ip).collect();
        let limit = deadline.at_most(SETTLED);
        let settled = limit.poll(Duration::from_millis(500), "flannel's way", || {
            let kernel = Kernel::observe(deadline)?;
            self.flannel_path = wrong(&own, &api.flannel, &kernel);
            self.shadowed = shadowed(&own, &api.flannel, &kernel, self.bridge.as_deref().unwrap_or("cni0"));
            Ok(if self.flannel_path.is_empty() { Look::Ready(()) } else { Look::NotYet(String::new()) })
        });
        // What still differs at the end is what is to be found out.
        if let Err(error) = settled
            && !error.is::<Expired>()
        {
            missed.or_default::<()>("flannel's way to other nodes", Err(error));
        }
    }

    /// The bridge, when there is a link of its name. Without a configuration that makes one, what flannel calls it.
    pub fn bridge_link(&self) -> Option<&Link> {
        self.link(self.bridge.as_deref().unwrap_or("cni0"))
    }

    /// A link by name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|l| l.name == name)
    }
}

/// Looks.
pub fn observe(deadline: &Deadline, missed: &mut Missed) -> Network {
    let limit = deadline.at_most(Duration::from_secs(5));
    let bridge = missed.or_default("the bridge of the CNI configuration", node::cni::bridged()).map(|n| n.bridge);
    let flannel = missed.or_default(SUBNET_ENV, files::read_text(SUBNET_ENV)).map(|text| flannel(&text));
    let firewall = missed.or_default("iptables' rules", iptables::read(&limit));
    Network {
        links: missed.or_default("network links", links::list(&limit)),
        filters: missed.or_default("nft's rules", nftables::filters(&firewall, &limit)),
        firewall,
        br_netfilter: Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
        switched_off: switched_off(),
        flannel,
        flannel_path: Vec::new(),
        shadowed: Vec::new(),
        peers: Vec::new(),
        sets: missed.or_default("ipsets", ipset::list(&limit)),
        leases: missed.or_default("address leases", leases()),
        records: missed
            .or_default("pods' links", records::records(Path::new(RESULTS), bridge.as_deref().unwrap_or("cni0"))),
        bridge,
    }
}

fn switched_off() -> Vec<String> {
    let switches = ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/bridge/bridge-nf-call-iptables"];
    let value = |path: &str| files::read_text(path).ok().flatten().map(|v| v.trim().to_owned());
    let off = |path: &&&str| value(path).is_some_and(|v| v != "1");
    switches.iter().filter(off).map(|path| format!("{path} is {}", value(path).unwrap_or_default())).collect()
}

/// `KEY=value` lines, as flanneld writes them (flannel pkg/subnet/subnet.go).
fn flannel(text: &str) -> Flannel {
    let value = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix('=')).map(str::trim);
    let address = |text: &str| {
        let (ip, prefix) = text.split_once('/')?;
        Some((ip.parse().ok()?, prefix.parse().ok()?))
    };
    Flannel {
        network: value("FLANNEL_NETWORK").and_then(|v| v.parse().ok()),
        bridge: value("FLANNEL_SUBNET").and_then(address),
        mtu: value("FLANNEL_MTU").and_then(|v| v.parse().ok()),
    }
}

fn leases() -> anyhow::Result<Vec<Lease>> {
    let mut all = Vec::new();
    for network in files::names(LEASES)? {
        let dir = Path::new(LEASES).join(&network);
        for name in files::names(&dir).unwrap_or_default() {
            let Some(ip) = name.to_str().and_then(|n| n.parse().ok()) else { continue };
            let text = files::read_text(dir.join(&name))?.unwrap_or_default();
            // The first line is the sandbox's id, the second the interface.
            let container = text.lines().next().unwrap_or_default().trim().to_owned();
            let taken =
                std::fs::metadata(dir.join(&name)).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            let age = SystemTime::now().duration_since(taken).unwrap_or_default();
            all.push(Lease { network: network.to_string_lossy().into_owned(), ip, container, age });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::flannel;

    #[test]
    fn flannels_file_is_read() {
        let seen = flannel(
            "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n",
        );
        assert_eq!(seen.subnet().unwrap().to_string(), "10.244.2.0/24");
        assert_eq!((seen.mtu, seen.network.unwrap().to_string().as_str()), (Some(1450), "10.244.0.0/16"));
        assert_eq!(flannel("nonsense").subnet(), None);
    }
}
