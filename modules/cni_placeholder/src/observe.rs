//! What is on the node: configuration files in load order, and plugin directories.

use crate::args::Args;
use host::cni::Conf;
use host::files;
use node::cni::{Dead, Running, dead};
use std::ffi::OsString;
use std::path::PathBuf;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Configuration files of the directory, in load order, ours included.
    pub confs: Vec<Conf>,
    /// Files whose networks do not run on this node.
    pub dead: Vec<(PathBuf, Dead)>,
    /// The bytes of our file.
    pub current: Option<Vec<u8>>,
    /// Whether the configuration directory is there.
    pub has_conf_dir: bool,
    /// Whether the plugin directory is there.
    pub has_plugin_dir: bool,
    /// Plugins of the distribution that the plugin directory lacks.
    pub unlinked: Vec<OsString>,
}

/// Reads it.
pub fn observe(args: &Args) -> anyhow::Result<State> {
    let there = files::names(&args.plugin_dir)?;
    let mut unlinked = Vec::new();
    if !args.plugin_source.as_os_str().is_empty() && !same_dir(args) {
        unlinked = files::names(&args.plugin_source)?;
        unlinked.retain(|name| !there.contains(name) && args.plugin_source.join(name).is_file());
    }
    let confs = host::cni::load(args.conf_dir())?;
    let running = Running::observe();
    let dead = confs.iter().filter_map(|c| Some((c.path.clone(), dead(c.network.as_ref().ok()?, &running)?))).collect();
    Ok(State {
        confs,
        dead,
        current: files::read_optional(args.path())?,
        has_conf_dir: args.conf_dir().is_dir(),
        has_plugin_dir: args.plugin_dir.is_dir(),
        unlinked,
    })
}

/// Some sites link one directory to the other: then everything is there already.
fn same_dir(args: &Args) -> bool {
    let real = std::fs::canonicalize(&args.plugin_dir).ok();
    real.is_some() && real == std::fs::canonicalize(&args.plugin_source).ok()
}
