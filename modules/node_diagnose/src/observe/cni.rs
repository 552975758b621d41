//! CNI configuration files in the order in which containerd loads them, and the plugins they name.

use super::Missed;
use crate::args::Args;
use host::cni::plugins::{self, Broken};
use host::cni::{self, Conf};
use host::deadline::Deadline;
use node::cni::{Dead, Running, comes_with_flannel, dead, substitute};
use node::containerd::bin_dir::{self, CANDIDATES};
use node::containerd::config::Config;
use std::path::{Path, PathBuf};

/// What was seen of CNI.
#[derive(Debug, Default)]
pub struct Cni {
    /// The directory.
    pub dir: PathBuf,
    /// The files in load order.
    pub confs: Vec<Conf>,
    /// Where plugins are looked for: by containerd's word, or its files', or the usual places.
    pub plugin_dirs: Vec<PathBuf>,
    /// Programs that the first file names and that are in none of the directories.
    pub missing: Vec<String>,
    /// Programs that the first file names, that are there and do not run; and whether `cni_repair` has something to put in
    /// their place.
    pub broken: Vec<(Broken, bool)>,
    /// What runs, as far as it tells which networks do.
    pub running: Running,
    /// Files whose networks do not run on this node.
    pub dead: Vec<(PathBuf, Dead)>,
}

impl Cni {
    /// Why the network of this file does not work here, if it does not.
    pub fn dead(&self, conf: &Conf) -> Option<&Dead> {
        self.dead.iter().find(|(path, _)| *path == conf.path).map(|(_, dead)| dead)
    }

    /// The file containerd loads: the first.
    pub fn in_force(&self) -> Option<&Conf> {
        self.confs.first()
    }
}

/// Where containerd looks, by its own word, as far as it answers.
#[derive(Debug, Default)]
pub struct Told {
    /// For configurations.
    pub conf_dir: Option<PathBuf>,
    /// For plugins.
    pub plugin_dirs: Vec<String>,
}

/// Looks: where containerd does, or where its files say, or where `args` does.
pub fn observe(args: &Args, config_path: &Path, told: Told, limit: &Deadline, missed: &mut Missed) -> Cni {
    let (mut conf_dir, mut dirs) = (told.conf_dir, told.plugin_dirs);
    if dirs.is_empty()
        && let Ok(config) = Config::load(config_path)
    {
        let files = bin_dir::in_force(&config);
        dirs = files.list.into_iter().chain(files.one).collect();
        conf_dir = conf_dir.or_else(|| bin_dir::conf_dir(&config));
    }
    let conf_dir = conf_dir.unwrap_or_else(|| args.cni_conf_dir.clone());
    let confs = missed.or_default("CNI configuration", cni::load(&conf_dir));
    if dirs.is_empty() {
        dirs = CANDIDATES.iter().map(|d| (*d).to_owned()).collect();
    }
    let plugin_dirs: Vec<PathBuf> = dirs.into_iter().map(PathBuf::from).collect();
    let network = confs.first().and_then(|conf| conf.network.as_ref().ok());
    let programs = network.map(cni::Network::programs).unwrap_or_default();
    let missing = cni::missing(&programs, &plugin_dirs).into_iter().map(str::to_owned).collect();
    let broken = network.map(|network| plugins::broken(network, &plugin_dirs, limit)).unwrap_or_default();
    let versions = network.map(|network| network.versions.as_slice()).unwrap_or_default();
    let broken = broken.into_iter().map(|broken| {
        let mendable = comes_with_flannel(&broken) || substitute(&broken, versions, limit).is_some();
        (broken, mendable)
    });
    let broken = broken.collect();
    let running = Running::observe();
    let dead = confs.iter().filter_map(|c| Some((c.path.clone(), dead(c.network.as_ref().ok()?, &running)?))).collect();
    Cni { dir: conf_dir, confs, plugin_dirs, missing, broken, running, dead }
}
