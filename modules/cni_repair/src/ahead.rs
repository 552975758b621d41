//! What comes before the bridge: the configuration that is in force, its plugins, and flannel, which brings both.
//!
//! flannel's pod installs the file and its plugin in init containers and writes its subnet when it starts (kube-flannel.yml,
//! pkg/subnet/kube): what is missing of these comes back when its pod is made anew on this node.

mod decide;

use cni_placeholder::template::is_placeholder;
use cri::Client;
use host::cidr::Cidr;
use host::cni;
use host::deadline::Deadline;
use kubeadm::gate;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was seen; all empty on a node that has not joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// There is no configuration file.
    pub no_conf: bool,
    /// Files that hide a real network, each with the finding that it is and why.
    pub in_the_way: Vec<(PathBuf, &'static str, String)>,
    /// Plugins of the network that are in none of the runtime's directories.
    pub missing: Vec<String>,
    /// Those directories.
    pub plugin_dirs: Vec<PathBuf>,
    /// Those plugins that the distribution has, as (its file, where it is to be).
    pub linkable: Vec<(PathBuf, PathBuf)>,
    /// The network is flannel's, and flannel has not written its subnet.
    pub no_subnet: bool,
    /// flannel's file is there, whatever it says.
    pub subnet_file: bool,
    /// What flannel wrote and the podCIDR that the Node has, where they differ.
    pub mismatch: Option<(Cidr, Cidr)>,
    /// The kubelet runs, so that a pod that is removed comes back.
    pub kubelet_runs: bool,
}

/// Looks; `wrote` is what flannel's file says.
pub fn observe(unit: &str, socket: &str, wrote: Option<Cidr>, deadline: &Deadline) -> anyhow::Result<Ahead> {
    let joined = Path::new(kubeadm::kubeconfig::KUBELET_CONF).exists() && Path::new(gate::CONFIG).exists();
    if !joined {
        return Ok(Ahead::default());
    }
    let confs = cni::load(cni::CONF_DIR)?;
    let is_real = |conf: &cni::Conf| conf.network.as_ref().is_ok_and(|n| !n.is_loopback_only() && !is_placeholder(n));
    let real = confs.iter().position(is_real);
    let network = real.and_then(|index| confs[index].network.as_ref().ok());
    let mut seen = Ahead { no_conf: confs.is_empty(), ..Ahead::default() };
    for conf in &confs[..real.unwrap_or(0)] {
        match &conf.network {
            Err(why) => seen.in_the_way.push((conf.path.clone(), "cni_config_invalid", why.clone())),
            Ok(n) if n.is_loopback_only() => {
                seen.in_the_way.push((conf.path.clone(), "cni_loopback_only", "it has only the loopback".into()));
            }
            Ok(_) => {}
        }
    }
    if let Some(network) = network {
        let dirs = plugin_dirs(socket, deadline);
        seen.missing = cni::missing(&network.programs(), &dirs).into_iter().map(str::to_owned).collect();
        // A distribution's plugins, in a directory that the runtime does not look into.
        let installed = |name: &String| {
            let there = cni::PLUGIN_DIRS.iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())?;
            Some((there, dirs.first()?.join(name)))
        };
        seen.linkable = seen.missing.iter().filter_map(installed).collect();
        seen.plugin_dirs = dirs;
    }
    let flannels = network.is_some_and(|network| network.types().contains(&"flannel"));
    seen.no_subnet = flannels && wrote.is_none();
    seen.subnet_file = Path::new(crate::subnet::SUBNET_ENV).exists();
    let given = wrote.and_then(|_| crate::subnet::given_to_flannel(deadline));
    seen.mismatch = wrote.zip(given).filter(|(a, b)| a != b && a.address().is_ipv4() == b.address().is_ipv4());
    seen.kubelet_runs = gate::Unit::observe(unit, deadline).is_ok_and(|unit| unit.running());
    Ok(seen)
}

/// By the runtime's own word; without it where Kubernetes expects them.
fn plugin_dirs(socket: &str, deadline: &Deadline) -> Vec<PathBuf> {
    let status = Client::connect(socket, &deadline.at_most(Duration::from_secs(5))).and_then(|mut cri| cri.status());
    let dirs = status.map(|status| status.plugin_dirs()).unwrap_or_default();
    if dirs.is_empty() { vec![cni::PLUGIN_DIRS[0].into()] } else { dirs.into_iter().map(PathBuf::from).collect() }
}
