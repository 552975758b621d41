//! CNI configuration as a runtime loads it, and the directories plugins lie in.
//!
//! Source of the rules: containerd/go-cni `opts.go` (loadFromConfDir) and containernetworking/cni `libcni/conf.go`
//! (ConfFiles): files ending in `.conf`, `.conflist` or `.json`, sorted by name; containerd takes the first only
//! (`max_conf_num = 1`), and a first file that is invalid makes the whole load fail.

#[cfg(feature = "cni_plugins")]
pub mod plugins;

use anyhow::Context as _;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Where every runtime looks unless told otherwise.
pub const CONF_DIR: &str = "/etc/cni/net.d";

/// Where plugins are installed: upstream's directory, which is Kubernetes' default, Debian's, Fedora's.
pub const PLUGIN_DIRS: [&str; 3] = ["/opt/cni/bin", "/usr/lib/cni", "/usr/libexec/cni"];

/// One configuration file, in the order in which runtimes load them.
#[derive(Debug, Clone, PartialEq)]
pub struct Conf {
    /// Its path.
    pub path: PathBuf,
    /// What it says, or why no runtime would take it.
    pub network: Result<Network, String>,
}

/// A network configuration list; a single `.conf` is a list of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The network's name, which names its address leases in /var/lib/cni/networks.
    pub name: String,
    /// The plugins, in order of execution.
    pub plugins: Vec<Map<String, Value>>,
    /// The versions of CNI of which plugins have to speak one: `cniVersions`, else `cniVersion`; none said means 0.1.0.
    pub versions: Vec<String>,
}

impl Network {
    /// The plugins' types, which are the names of their programs.
    pub fn types(&self) -> Vec<&str> {
        self.plugins.iter().filter_map(|p| p.get("type")?.as_str()).collect()
    }

    /// Whether it only gives a pod its loopback: the state behind "only cni-loopback" that looks like a network.
    pub fn is_loopback_only(&self) -> bool {
        self.types().iter().all(|t| *t == "loopback")
    }

    /// Every program it needs: plugin types, the types of their `ipam`, and what flannel's plugin calls, which is the
    /// bridge plugin unless `delegate` names another, with host-local (cni-plugin, flannel_linux.go).
    pub fn programs(&self) -> Vec<&str> {
        let ipam = self.plugins.iter().filter_map(|p| p.get("ipam")?.get("type")?.as_str());
        let mut all = self.types();
        all.extend(ipam);
        if let Some(flannel) = self.plugins.iter().find(|p| p.get("type").and_then(Value::as_str) == Some("flannel")) {
            let delegate = |key: &str| flannel.get("delegate")?.get(key);
            all.push(delegate("type").and_then(Value::as_str).unwrap_or("bridge"));
            let ipam = delegate("ipam").and_then(|ipam| ipam.get("type")?.as_str());
            all.push(ipam.unwrap_or("host-local"));
        }
        all
    }
}

/// The configuration files of a directory in load order; none when there is no such directory.
pub fn load(dir: impl AsRef<Path>) -> anyhow::Result<Vec<Conf>> {
    let dir = dir.as_ref();
    let mut confs = Vec::new();
    for name in crate::files::names(dir)? {
        let path = dir.join(&name);
        if !is_conf(&path) || path.is_dir() {
            continue;
        }
        let network = match crate::files::read_optional(&path).context("loading CNI configuration")? {
            Some(bytes) => parse(&bytes, path.extension().is_some_and(|e| e == "conflist")),
            // A runtime that meets such a link loads nothing. Anything else has gone since the directory was read.
            None => match std::fs::read_link(&path) {
                Ok(target) => Err(format!("is a link to {}, which is not there", target.display())),
                Err(_) => continue,
            },
        };
        confs.push(Conf { path, network });
    }
    Ok(confs)
}

/// Whether a runtime would look at a file of this name.
pub fn is_conf(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "conf" || e == "conflist" || e == "json")
}

/// Reads one file as libcni does. The error is the half sentence after the file's name.
pub fn parse(bytes: &[u8], list: bool) -> Result<Network, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("is no JSON: {e}"))?;
    let Value::Object(object) = value else { return Err("is no JSON object".into()) };
    let name = object.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let versions = versions(&object);
    let plugins = match (list, object.get("plugins")) {
        (false, _) => vec![object],
        (true, Some(Value::Array(items))) => items
            .iter()
            .map(|p| p.as_object().cloned().ok_or("has a plugin that is no JSON object".to_owned()))
            .collect::<Result<_, _>>()?,
        (true, _) => return Err("has no list of plugins".into()),
    };
    if plugins.is_empty() {
        return Err("has no plugins".into());
    }
    if plugins.iter().any(|p| p.get("type").and_then(Value::as_str).is_none_or(str::is_empty)) {
        return Err("has a plugin without a type".into());
    }
    if name.is_empty() {
        return Err("has no name".into());
    }
    Ok(Network { name, plugins, versions })
}

/// libcni from 1.2 on takes the newest it knows of `cniVersions`; before that, and for a single `.conf`, there is only
/// `cniVersion`.
fn versions(object: &Map<String, Value>) -> Vec<String> {
    let several = object.get("cniVersions").and_then(Value::as_array).into_iter().flatten();
    let one = object.get("cniVersion").into_iter();
    several.chain(one).filter_map(|version| version.as_str().filter(|v| !v.is_empty()).map(str::to_owned)).collect()
}

/// Programs of `wanted` that are in none of the directories.
pub fn missing<'a>(wanted: &[&'a str], dirs: &[PathBuf]) -> Vec<&'a str> {
    wanted.iter().filter(|w| !dirs.iter().any(|d| d.join(w).is_file())).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn files_are_loaded_in_byte_order_and_others_are_not_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["10-b.conflist", "00-a.conf", ".00-a.conf.kubejoin-x", "README", "99-z.json"] {
            crate::files::write_atomic(
                dir.path().join(name),
                br#"{"name":"n","type":"bridge","plugins":[{"type":"x"}]}"#,
                0o644,
            )
            .unwrap();
        }
        let confs = load(dir.path()).unwrap();
        let names: Vec<_> = confs.iter().map(|c| c.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["00-a.conf", "10-b.conflist", "99-z.json"]);
        assert_eq!(confs[0].network.as_ref().unwrap().types(), ["bridge"]);
        assert_eq!(confs[1].network.as_ref().unwrap().types(), ["x"]);
    }

    #[test]
    fn a_link_to_nowhere_is_a_file_that_no_runtime_takes() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/no/such/file", dir.path().join("00-gone.conflist")).unwrap();
        let confs = load(dir.path()).unwrap();
        assert_eq!(confs[0].network, Err("is a link to /no/such/file, which is not there".to_owned()));
    }

    #[test]
    fn what_no_runtime_takes_says_why() {
        assert!(parse(b"{", true).unwrap_err().starts_with("is no JSON"));
        assert_eq!(parse(b"[]", true).unwrap_err(), "is no JSON object");
        assert_eq!(parse(br#"{"name":"n"}"#, true).unwrap_err(), "has no list of plugins");
        assert_eq!(parse(br#"{"name":"n","plugins":[]}"#, true).unwrap_err(), "has no plugins");
        assert_eq!(parse(br#"{"name":"n","plugins":[{}]}"#, true).unwrap_err(), "has a plugin without a type");
    }

    #[test]
    fn the_address_plugin_is_among_the_programs_needed() {
        let conf = br#"{"name":"n","plugins":[{"type":"bridge","ipam":{"type":"host-local"}},{"type":"portmap"}]}"#;
        assert_eq!(parse(conf, true).unwrap().programs(), ["bridge", "portmap", "host-local"]);
        let conf =
            br#"{"name":"cbr0","plugins":[{"type":"flannel","delegate":{"hairpinMode":true}},{"type":"portmap"}]}"#;
        assert_eq!(parse(conf, true).unwrap().programs(), ["flannel", "portmap", "bridge", "host-local"]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), list: bool) {
            let _ = parse(&bytes, list);
        }
    }
}
