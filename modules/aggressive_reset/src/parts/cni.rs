//! CNI configuration and state that belong to somebody else: podman (before netavark) and nerdctl use the same directories.
//!
//! Recognised by what they write: podman's networks are called `podman` or have bridges `cni-podmanN`
//! (containers/common, `libnetwork/cni`), nerdctl's have the label `nerdctl/...` or bridges `nerdctlN` (nerdctl,
//! `pkg/netutil`). What a package of the distribution installed is its own, too.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use host::files;
use serde_json::Value;

use crate::trees::targets::{CNI_CONF, CNI_STATE};

/// What of CNI is somebody else's.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Names of networks.
    pub networks: BTreeSet<String>,
    /// Files and directories that stay.
    pub paths: Vec<PathBuf>,
}

/// Looks through configuration and state.
pub fn foreign() -> Result<Foreign> {
    let mut found = Foreign::default();
    for name in files::names(CNI_CONF)? {
        let path = Path::new(CNI_CONF).join(&name);
        // nerdctl keeps those of its namespaces in directories.
        if path.is_dir() {
            let inner: Vec<PathBuf> = files::names(&path)?.into_iter().map(|name| path.join(name)).collect();
            let foreign: Vec<&PathBuf> = inner.iter().filter(|file| network_of(file).is_some_and(|n| n.1)).collect();
            found.networks.extend(foreign.iter().filter_map(|file| network_of(file)).map(|n| n.0));
            found.paths.extend(foreign.into_iter().cloned());
        } else if let Some((network, true)) = network_of(&path) {
            found.networks.insert(network);
            found.paths.push(path);
        }
    }
    for network in &found.networks {
        found.paths.push(Path::new(CNI_STATE).join("networks").join(network));
        for cache in ["results", "cache"] {
            let directory = Path::new(CNI_STATE).join(cache);
            for name in files::names(&directory)? {
                // libcni names them NETWORK-CONTAINER-INTERFACE.
                if name.to_string_lossy().starts_with(&format!("{network}-")) {
                    found.paths.push(directory.join(name));
                }
            }
        }
    }
    found.paths.retain(|path| std::fs::symlink_metadata(path).is_ok());
    Ok(found)
}

/// A configuration's network name, and whether it is somebody else's.
fn network_of(path: &Path) -> Option<(String, bool)> {
    let text = files::read_foreign(path, 1 << 20).ok()??;
    let conf: Value = serde_json::from_slice(&text).ok()?;
    let name = conf["name"].as_str().unwrap_or_default().to_owned();
    Some((name.clone(), is_foreign(&name, &conf)))
}

fn is_foreign(name: &str, conf: &Value) -> bool {
    let plugins = conf["plugins"].as_array().map_or_else(|| vec![conf], |list| list.iter().collect());
    let bridges = plugins.iter().filter_map(|plugin| plugin["bridge"].as_str().or_else(|| plugin["master"].as_str()));
    let theirs = |bridge: &str, prefix: &str| {
        bridge
            .strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    name == "podman"
        || conf.get("nerdctlID").is_some()
        || conf.get("nerdctlLabels").is_some()
        || conf["args"].get("podman_labels").is_some()
        || bridges.into_iter().any(|bridge| theirs(bridge, "cni-podman") || theirs(bridge, "nerdctl"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn networks_of_podman_and_nerdctl_are_told_from_those_of_kubernetes() {
        let foreign = |conf: Value| is_foreign(conf["name"].as_str().unwrap(), &conf);
        assert!(foreign(json!({"name": "podman", "plugins": [{"type": "bridge", "bridge": "cni-podman0"}]})));
        assert!(foreign(json!({"name": "mine", "plugins": [{"type": "bridge", "bridge": "cni-podman3"}]})));
        assert!(foreign(
            json!({"name": "bridge", "nerdctlID": "x", "plugins": [{"type": "bridge", "bridge": "nerdctl0"}]})
        ));
        assert!(!foreign(json!({"name": "cni0", "plugins": [{"type": "bridge", "bridge": "cni0"}]})));
        assert!(!foreign(json!({"name": "cbr0", "plugins": [{"type": "flannel"}]})));
        assert!(!foreign(json!({"name": "x", "type": "bridge", "bridge": "cni-podman"})));
    }
}
