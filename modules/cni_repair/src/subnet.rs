//! Which addresses this node's pods have to have.
//!
//! flannel writes what it was given to `/run/flannel/subnet.env` (flannel, pkg/subnet: `FLANNEL_SUBNET` is the bridge's
//! own address with the prefix, not the network); the Node object's `podCIDR` is where that comes from. An address that
//! merely begins like the cluster's network is no evidence: a placeholder's do, too.

use host::cidr::Cidr;
use host::deadline::{Deadline, Expired, Look};
use host::links::Address;
use kubeadm::kubectl::Kubectl;
use node::flannel::{self, Fault, Kernel, Notes, SETTLED};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

/// Where flannel says what it was given.
pub const SUBNET_ENV: &str = "/run/flannel/subnet.env";
const KUBELET_CONF: &str = "/etc/kubernetes/kubelet.conf";

/// The pod network of this node, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet {
    /// The network.
    pub network: Cidr,
    /// The bridge's address in it.
    pub gateway: Address,
    /// `option pod_cidr`, the file, or `Node object`.
    pub source: String,
}

impl Subnet {
    /// The network's first address is its gateway, as host-local and flannel choose it.
    pub fn of(network: Cidr, source: &str) -> Self {
        let ip = match network.address() {
            IpAddr::V4(ip) => IpAddr::V4(Ipv4Addr::from(u32::from(ip).saturating_add(1))),
            IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip).saturating_add(1))),
        };
        Self { network, gateway: Address { ip, prefix: network.prefix() }, source: source.to_owned() }
    }
}

/// Asks in the order option, flannel, cluster; nothing when nobody knows.
pub fn find(option: Option<Cidr>, deadline: &Deadline) -> anyhow::Result<Option<Subnet>> {
    if let Some(network) = option {
        return Ok(Some(Subnet::of(network, "option pod_cidr")));
    }
    let env = host::files::read_text(SUBNET_ENV)?.unwrap_or_default();
    if let Some(subnet) = of_flannel(&env) {
        return Ok(Some(subnet));
    }
    Ok(of_node(deadline).map(|network| Subnet::of(network, "Node object")))
}

/// `FLANNEL_SUBNET=10.244.1.1/24`.
pub(crate) fn of_flannel(env: &str) -> Option<Subnet> {
    let value = env.lines().find_map(|line| line.strip_prefix("FLANNEL_SUBNET="))?;
    let (ip, prefix) = value.trim().split_once('/')?;
    let gateway = Address { ip: ip.parse().ok()?, prefix: prefix.parse().ok()? };
    Some(Subnet { network: gateway.network().ok()?, gateway, source: SUBNET_ENV.to_owned() })
}

fn of_node(deadline: &Deadline) -> Option<Cidr> {
    node(deadline)?["spec"]["podCIDR"].as_str()?.parse().ok()
}

/// The podCIDR of this node when it is flannel that takes it from there: only then does it note its back end on the Node.
pub(crate) fn given_to_flannel(deadline: &Deadline) -> Option<Cidr> {
    let node = node(deadline)?;
    let notes = node["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"].is_string();
    node["spec"]["podCIDR"].as_str().filter(|_| notes)?.parse().ok()
}

/// flannel notes its back end on the Node (flannel, pkg/subnet/kube).
pub fn backend_is_vxlan(deadline: &Deadline) -> bool {
    node(deadline)
        .is_some_and(|node| node["metadata"]["annotations"]["flannel.alpha.coreos.com/backend-type"] == "vxlan")
}

/// What of flannel's way to other nodes differs from what it noted on the Nodes; nothing when nobody can be asked. A node
/// that has just come is noted a moment before flanneld here has set its way, so a difference has to stay for a while.
pub(crate) fn path_faults(deadline: &Deadline) -> anyhow::Result<Vec<Fault>> {
    let own = node(deadline).as_ref().map(Notes::of).unwrap_or_default();
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let kubectl = Kubectl::new(KUBELET_CONF);
    // Newer API servers do not let a kubelet list its peers: what needs no word of theirs is compared all the same.
    let listed = kubectl.run(&["get", "--raw", "/api/v1/nodes"], "", &deadline.at_most(Duration::from_secs(5))).ok();
    let list: serde_json::Value = listed.and_then(|o| serde_json::from_slice(&o.stdout).ok()).unwrap_or_default();
    let peers: Vec<Notes> = list["items"].as_array().into_iter().flatten().flat_map(Notes::of).collect();
    let mut faults = Vec::new();
    let settled = deadline.at_most(SETTLED).poll(Duration::from_millis(500), "flannel's way", || {
        faults = flannel::wrong(&own, &peers, &Kernel::observe(deadline)?);
        Ok(if faults.is_empty() { Look::Ready(()) } else { Look::NotYet(String::new()) })
    });
    match settled {
        Err(error) if !error.is::<Expired>() => Err(error),
        _ => Ok(faults),
    }
}

/// The kubelet's own credentials may read its own Node object. No answer is no error: the API may be away.
fn node(deadline: &Deadline) -> Option<serde_json::Value> {
    if !Path::new(KUBELET_CONF).exists() {
        return None;
    }
    let name = host::files::read_text("/proc/sys/kernel/hostname").ok()??;
    let kubectl = Kubectl::new(KUBELET_CONF);
    kubectl.get("node", &name.trim().to_lowercase(), "", &deadline.at_most(Duration::from_secs(5))).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flannel_names_the_bridges_address_and_a_network_its_first_one() {
        let env =
            "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";
        let subnet = of_flannel(env).unwrap();
        assert_eq!(
            (subnet.network.to_string(), subnet.gateway.to_string()),
            ("10.244.2.0/24".into(), "10.244.2.1/24".into())
        );
        let other = Subnet::of("10.244.2.0/24".parse().unwrap(), "Node object");
        assert_eq!(other.gateway, subnet.gateway);
        assert_eq!(of_flannel("FLANNEL_SUBNET=nonsense\n"), None);
        assert_eq!(of_flannel(""), None);
    }
}
