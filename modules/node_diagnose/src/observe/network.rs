//! The pod network: links, routes, firewall, the kernel's switches, flannel's subnet file and host-local's leases.

use super::Missed;
use host::cidr::Cidr;
use host::deadline::Deadline;
use host::files;
use host::iptables::{self, Ruleset};
use host::links::{self, Link};
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

/// Where host-local keeps its leases (containernetworking/plugins, plugins/ipam/host-local).
const LEASES: &str = "/var/lib/cni/networks";
/// What flannel writes when it knows this node's subnet.
const SUBNET_ENV: &str = "/run/flannel/subnet.env";

/// What was seen of the network.
#[derive(Debug, Default)]
pub struct Network {
    /// All links of the node.
    pub links: Vec<Link>,
    /// The firewall, every back end.
    pub firewall: Vec<Ruleset>,
    /// /proc/sys/net/bridge is there: br_netfilter is loaded.
    pub br_netfilter: bool,
    /// Switches that have to be 1, and are not.
    pub switched_off: Vec<String>,
    /// flannel's subnet file.
    pub flannel: Option<Flannel>,
    /// Leases of addresses.
    pub leases: Vec<Lease>,
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
}

impl Flannel {
    /// This node's subnet.
    pub fn subnet(&self) -> Option<Cidr> {
        self.bridge.and_then(|(ip, prefix)| Cidr::around(ip, prefix).ok())
    }
}

impl Network {
    /// A link by name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|l| l.name == name)
    }
}

/// Looks.
pub fn observe(deadline: &Deadline, missed: &mut Missed) -> Network {
    let limit = deadline.at_most(Duration::from_secs(5));
    let flannel = missed.or_default(SUBNET_ENV, files::read_text(SUBNET_ENV)).map(|text| flannel(&text));
    Network {
        links: missed.or_default("network links", links::list(&limit)),
        firewall: missed.or_default("the firewall", iptables::read(&limit)),
        br_netfilter: Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
        switched_off: switched_off(),
        flannel,
        leases: missed.or_default("address leases", leases()),
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
            all.push(Lease { network: network.to_string_lossy().into_owned(), ip, container });
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
