//! Which directory has the CNI plugins.
//!
//! containerd 1.x looks in one directory only. Distributions put the standard plugins into their own, networks install
//! theirs into /opt/cni/bin: the right one is the one that lacks the least.

use crate::containerd::config::edit::BinDirSetting;
use crate::containerd::config::paths::{table, value};
use crate::containerd::config::{Config, ConfigFile};
use anyhow::ensure;
use host::cni::{Conf, missing};
use std::collections::BTreeSet;
use std::path::PathBuf;
use toml_edit::Value;

/// Where plugins are looked for, in order of preference.
pub const CANDIDATES: [&str; 3] = host::cni::PLUGIN_DIRS;

/// What every pod network needs: an interface, addresses, the loopback, and published ports.
const ALWAYS: [&str; 4] = ["bridge", "host-local", "loopback", "portmap"];

/// What is in force according to the files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InForce {
    /// `bin_dir`, when set and not empty.
    pub one: Option<String>,
    /// `bin_dirs`, when set and not empty.
    pub list: Vec<String>,
}

/// The choice, and what even the chosen directory lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What to write.
    pub setting: BinDirSetting,
    /// Programs that the network in force needs and that are not there (yet: flannel's come with its pods).
    pub lacking: Vec<String>,
}

/// Reads what the last file that says anything says.
pub fn in_force(config: &Config) -> InForce {
    let mut found = InForce::default();
    for file in &config.files {
        let cni = ["plugins", file.names.runtime, "cni"];
        if table(&file.document, &cni).is_none() {
            continue;
        }
        let one = value(&file.document, &[&cni[..], &["bin_dir"]].concat()).and_then(Value::as_str);
        let list = value(&file.document, &[&cni[..], &["bin_dirs"]].concat()).and_then(Value::as_array);
        if let Some(one) = one {
            found.one = Some(one.to_owned()).filter(|d| !d.is_empty());
        }
        if let Some(list) = list {
            found.list = list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        }
    }
    found
}

/// The directory of CNI configurations, when a file names one.
pub fn conf_dir(config: &Config) -> Option<PathBuf> {
    let named = |file: &ConfigFile| {
        let path = ["plugins", file.names.runtime, "cni", "conf_dir"];
        value(&file.document, &path).and_then(Value::as_str).filter(|dir| !dir.is_empty()).map(PathBuf::from)
    };
    config.files.iter().rev().find_map(named)
}

/// Which ways of writing the directory there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `bin_dir` alone.
    One,
    /// `bin_dirs`, and `bin_dir` where a file has that already.
    Either,
    /// `bin_dirs` alone.
    List,
}

/// Writes `dir` the way the files write it already: a list keeps its other members.
pub fn fixed(dir: &str, now: &InForce, spelling: Spelling) -> BinDirSetting {
    let as_one = match spelling {
        Spelling::One => true,
        Spelling::Either => now.one.is_some(),
        Spelling::List => false,
    };
    if now.list.is_empty() && as_one {
        return BinDirSetting::One(dir.to_owned());
    }
    let others = now.list.iter().filter(|d| *d != dir).cloned();
    BinDirSetting::List(std::iter::once(dir.to_owned()).chain(others).collect())
}

/// Looks at the directories. `confs` are the CNI configurations in load order; only the first is used by containerd.
pub fn choose(confs: &[Conf], now: &InForce, spelling: Spelling) -> anyhow::Result<Choice> {
    let network = confs.iter().find_map(|c| c.network.as_ref().ok());
    let mut wanted: BTreeSet<&str> = ALWAYS.into_iter().collect();
    wanted.extend(network.iter().flat_map(|n| n.programs()));
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let lacks = |dirs: &[String]| {
        let dirs: Vec<PathBuf> = dirs.iter().map(PathBuf::from).collect();
        missing(&wanted, &dirs).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut candidates: Vec<String> = CANDIDATES.iter().map(|d| (*d).to_owned()).collect();
    candidates.extend(now.list.iter().chain(&now.one).filter(|d| !CANDIDATES.contains(&d.as_str())).cloned());
    let weighed = candidates.iter().map(|dir| (lacks(std::slice::from_ref(dir)), dir));
    // min_by_key gives the first of equals: the preferred one.
    let best = weighed.min_by_key(|(lacking, _)| lacking.len());
    let (lacking, best) =
        best.filter(|(lacking, _)| lacking.len() < wanted.len()).map_or((Vec::new(), None), |(l, d)| (l, Some(d)));
    ensure!(
        best.is_some(),
        "option cni_bin_dir is \"auto\": no CNI plugin is in {}; install them (Debian: containernetworking-plugins) or name their directory",
        candidates.join(", ")
    );
    let best = best.cloned().unwrap_or_default();
    if !now.list.is_empty() {
        let of_list = lacks(&now.list);
        if of_list.len() <= lacking.len() {
            return Ok(Choice { setting: BinDirSetting::List(now.list.clone()), lacking: of_list });
        }
    }
    let mut setting = fixed(&best, now, spelling);
    if let BinDirSetting::List(dirs) = &mut setting {
        let useful = candidates.iter().filter(|d| lacks(std::slice::from_ref(d)).len() < wanted.len());
        let more: Vec<String> = useful.filter(|d| !dirs.contains(d)).cloned().collect();
        dirs.extend(more);
    }
    Ok(Choice { setting, lacking })
}
