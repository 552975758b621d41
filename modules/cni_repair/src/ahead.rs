//! What comes before the bridge: the configuration that is in force, its plugins, and flannel, which brings both.
//!
//! flannel's pod installs the file and its plugin in init containers and writes its subnet when it starts (kube-flannel.yml,
//! pkg/subnet/kube): what is missing of these comes back when its pod is made anew on this node.

mod decide;

use cri::Client;
use host::cidr::Cidr;
use host::cni::plugins::{self, Broken};
use host::cni::{self, Conf};
use host::deadline::Deadline;
use kubeadm::gate;
use node::cni::{Running, dead, is_real, made_by, substitute};
use node::code::Code;
use node::placeholder::is_written_anew;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was seen; all empty on a node that has not joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ahead {
    /// There is no configuration file.
    pub no_conf: bool,
    /// There are files, and none configures a network that runs here; a placeholder does not count.
    pub no_network: bool,
    /// The first file is another program's, which no pod of Kubernetes is for: it, and whose it is.
    pub foreign: Option<(PathBuf, &'static str)>,
    /// Files that hide a real network, or that the add-on writes anew; each with the finding that it is and why.
    pub in_the_way: Vec<(PathBuf, Code, String)>,
    /// Files that are of no use and somebody's own, the same way: where there is no network behind them, a person decides.
    pub not_ours: Vec<(PathBuf, Code, String)>,
    /// Plugins of the network that are there and do not run.
    pub broken: Vec<Broken>,
    /// Plugins of the network that are in none of the runtime's directories.
    pub missing: Vec<String>,
    /// The versions of CNI of which they have to speak one.
    pub versions: Vec<String>,
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

impl Ahead {
    /// A placeholder or another program's conf is all there is, though flannel has run here: its pod has not installed its
    /// file, or somebody deleted it.
    pub fn without_flannels(&self) -> bool {
        self.no_network && self.subnet_file && self.in_the_way.is_empty() && self.not_ours.is_empty()
    }
}

/// Looks; `wrote` is what flannel's file says.
pub fn observe(unit: &str, socket: &str, wrote: Option<Cidr>, deadline: &Deadline) -> anyhow::Result<Ahead> {
    let joined = Path::new(kubeadm::kubeconfig::KUBELET_CONF).exists() && Path::new(gate::CONFIG).exists();
    if !joined {
        return Ok(Ahead::default());
    }
    let confs = cni::load(cni::CONF_DIR)?;
    let running = Running::observe();
    let real = confs.iter().position(|conf| is_real(conf, &running));
    let network = real.and_then(|index| confs[index].network.as_ref().ok());
    let mut seen = Ahead { no_conf: confs.is_empty(), subnet_file: subnet_file(), ..Ahead::default() };
    seen.no_network = real.is_none() && !confs.is_empty();
    seen.foreign = confs.first().and_then(|conf| Some((conf.path.clone(), made_by(conf.network.as_ref().ok()?)?)));
    // Without a network behind them there is nothing that they hide.
    for conf in &confs[..real.unwrap_or(confs.len())] {
        let Some((finding, why)) = useless(conf, &running) else { continue };
        let one = (conf.path.clone(), finding, why);
        let goes =
            real.is_some() || seen.subnet_file && (is_written_anew(&conf.path) || finding == Code::CniLoopbackOnly);
        if goes { seen.in_the_way.push(one) } else { seen.not_ours.push(one) }
    }
    if let Some(network) = network {
        let dirs = plugin_dirs(socket, deadline);
        seen.missing = cni::missing(&network.programs(), &dirs).into_iter().map(str::to_owned).collect();
        seen.broken = plugins::broken(network, &dirs, deadline);
        // A distribution's plugins, in a directory that the runtime does not look into.
        let installed = |name: &String| {
            let there = cni::PLUGIN_DIRS.iter().map(|dir| Path::new(dir).join(name)).find(|path| path.is_file())?;
            Some((there, dirs.first()?.join(name)))
        };
        seen.linkable = seen.missing.iter().filter_map(installed).collect();
        let other = |broken: &Broken| Some((substitute(broken, &network.versions, deadline)?, broken.path.clone()));
        seen.linkable.extend(seen.broken.iter().filter_map(other));
        seen.versions = network.versions.clone();
        seen.plugin_dirs = dirs;
    }
    let flannels = network.is_some_and(|network| network.types().contains(&"flannel"));
    seen.no_subnet = flannels && wrote.is_none();
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

fn subnet_file() -> bool {
    Path::new(crate::subnet::SUBNET_ENV).exists()
}

/// Which finding it is that this file configures no network, and why; none for a placeholder, which is handed over.
fn useless(conf: &Conf, running: &Running) -> Option<(Code, String)> {
    match &conf.network {
        Err(why) => Some((Code::CniConfigInvalid, why.clone())),
        Ok(network) if network.is_loopback_only() => Some((Code::CniLoopbackOnly, "it has only the loopback".into())),
        Ok(network) => dead(network, running).filter(|d| d.certain).map(|dead| (Code::CniConfigLeftover, dead.why)),
    }
}
