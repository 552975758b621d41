//! What flannel's files on this node say: its subnet file (flannel, pkg/subnet: WriteSubnetFile), and the configuration that
//! the kubelet mounts for its pod.

use host::cidr::Cidr;
use host::files;
use serde_json::Value;
use std::path::Path;

/// Where flannel says what it was given.
const SUBNET_ENV: &str = "/run/flannel/subnet.env";
/// Where the kubelet mounts flannel's configuration for its pod (kube-flannel.yml: the volume flannel-cfg).
pub(super) const PODS: &str = "/var/lib/kubelet/pods";
const NET_CONF: &str = "volumes/kubernetes.io~configmap/flannel-cfg/net-conf.json";

/// The subnet file, as far as it tells how the way has to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// The networks of all nodes' pods, one for each family.
    pub networks: Vec<Cidr>,
    /// The MTU of pods, and of the tunnel that they are sent through.
    pub mtu: Option<u32>,
    /// flannel masquerades what pods send out of the cluster.
    pub masquerade: bool,
}

impl Written {
    pub(super) fn observe() -> anyhow::Result<Self> {
        Ok(Self::read(&files::read_text(SUBNET_ENV)?.unwrap_or_default()))
    }

    fn read(env: &str) -> Self {
        let value = |key: &str| env.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::trim);
        let networks = ["FLANNEL_NETWORK", "FLANNEL_IPV6_NETWORK"].into_iter();
        Written {
            networks: networks.filter_map(|key| value(key)?.parse().ok()).collect(),
            mtu: value("FLANNEL_MTU").and_then(|mtu| mtu.parse().ok()),
            masquerade: value("FLANNEL_IPMASQ") == Some("true"),
        }
    }

    /// The network of all nodes' pods of one family.
    pub(super) fn network(&self, ipv6: bool) -> Option<Cidr> {
        self.networks.iter().find(|network| network.address().is_ipv6() == ipv6).copied()
    }
}

/// flannel's own default where its configuration names none; none where there is no configuration to read.
pub(super) fn configured_port(pods: &Path) -> Option<u16> {
    let confs = files::names(pods).unwrap_or_default().into_iter().map(|pod| pods.join(pod).join(NET_CONF));
    let conf = confs.into_iter().find_map(|path| files::read_text(path).ok().flatten())?;
    let conf: Value = serde_json::from_str(&conf).ok()?;
    let port = conf["Backend"]["Port"].as_u64().filter(|port| *port != 0).unwrap_or(8472);
    u16::try_from(port).ok()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests write what is to be read")]
mod tests {
    use super::*;

    #[test]
    fn the_subnet_file_is_read_for_both_families() {
        let env = "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.2.1/24\nFLANNEL_IPV6_NETWORK=2001:db8:42::/56\n\
                   FLANNEL_IPV6_SUBNET=2001:db8:42:2::1/64\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n";
        let written = Written::read(env);
        assert_eq!((written.mtu, written.masquerade), (Some(1450), true));
        assert_eq!(written.network(false), "10.244.0.0/16".parse().ok());
        assert_eq!(written.network(true), "2001:db8:42::/56".parse().ok());
        assert_eq!(Written::read("nonsense"), Written::default());
    }

    #[test]
    fn the_port_is_that_of_the_configuration_in_flannels_pod() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(configured_port(dir.path()), None);
        let conf = dir.path().join("u1").join(NET_CONF);
        std::fs::create_dir_all(conf.parent().unwrap()).unwrap();
        std::fs::write(&conf, r#"{"Network":"10.244.0.0/16","Backend":{"Type":"vxlan"}}"#).unwrap();
        assert_eq!(configured_port(dir.path()), Some(8472));
        std::fs::write(&conf, r#"{"Backend":{"Type":"vxlan","VNI":4096,"Port":4789}}"#).unwrap();
        assert_eq!(configured_port(dir.path()), Some(4789));
    }
}
