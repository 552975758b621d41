//! CNI configuration files in the order in which containerd loads them, and the plugins they name.

use super::Missed;
use crate::args::Args;
use host::cni::{self, Conf};
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
}

impl Cni {
    /// The file containerd loads: the first.
    pub fn in_force(&self) -> Option<&Conf> {
        self.confs.first()
    }
}

/// Looks. `dirs` are the directories of plugins by containerd's own word, when it answers.
pub fn observe(args: &Args, config_path: &Path, mut dirs: Vec<String>, missed: &mut Missed) -> Cni {
    let confs = missed.or_default("CNI configuration", cni::load(&args.cni_conf_dir));
    if dirs.is_empty()
        && let Ok(config) = Config::load(config_path)
    {
        let files = bin_dir::in_force(&config);
        dirs = files.list.into_iter().chain(files.one).collect();
    }
    if dirs.is_empty() {
        dirs = CANDIDATES.iter().map(|d| (*d).to_owned()).collect();
    }
    let plugin_dirs: Vec<PathBuf> = dirs.into_iter().map(PathBuf::from).collect();
    let programs = confs.first().and_then(|c| c.network.as_ref().ok()).map(cni::Network::programs).unwrap_or_default();
    let missing = cni::missing(&programs, &plugin_dirs).into_iter().map(str::to_owned).collect();
    Cni { dir: args.cni_conf_dir.clone(), confs, plugin_dirs, missing }
}
