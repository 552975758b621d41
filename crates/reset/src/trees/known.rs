//! What of a target is known to be Kubernetes' own: the footprint table, and files that say themselves what they are.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use footprint::cni;
use footprint::paths::{Entry, Is, Known};
use host::files;
use host::remove::{self, Fate};
use serde_json::Value;

use super::targets::{CNI_CONF, MANIFESTS, Target};
use crate::parts::elsewhere;
use crate::parts::temporary::is_temporary;

/// A conf or a static pod is a few kilobytes.
const LARGEST: u64 = 1 << 20;

/// What of one directory is known.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Own {
    entries: &'static [Entry],
    /// Directories of which only a part is known, beside their rows in the table.
    inner: Vec<(&'static str, Own)>,
    /// Files that were read and are Kubernetes'.
    proved: BTreeSet<OsString>,
}

impl Own {
    /// Of a target that the table calls `listed`. Nothing: all of it is Kubernetes'.
    pub fn of(target: &Target, listed: &Path) -> Option<Self> {
        let known = match footprint::paths::known(&listed.to_string_lossy()) {
            // Where each keeps its things is configured: it holds the same there.
            Known::All => elsewhere::default_of(target.part, listed).map_or(Known::All, footprint::paths::known),
            known => known,
        };
        Self::directory(known, listed, &target.path)
    }

    fn directory(known: Known, listed: &Path, real: &Path) -> Option<Self> {
        let Known::Only(entries) = known else { return None };
        let inner = entries.iter().filter_map(|entry| match entry.is {
            Is::Directory(known) => {
                Some((entry.name, Self::directory(known, &listed.join(entry.name), &real.join(entry.name))?))
            }
            Is::File => None,
        });
        Some(Self { entries, inner: inner.collect(), proved: proved(listed, real) })
    }
}

impl remove::Known for Own {
    fn fate(&self, name: &[u8], directory: bool) -> Fate<'_> {
        if !directory && self.proved.contains(OsStr::from_bytes(name)) {
            return Fate::Goes;
        }
        match Known::Only(self.entries).entry(name, directory) {
            None => Fate::Stays,
            Some(Known::All) => Fate::Goes,
            Some(Known::Only(_)) => {
                let inner = self.inner.iter().find(|(pattern, _)| pattern.as_bytes() == name);
                inner.map_or(Fate::Stays, |(_, own)| Fate::Partly(own))
            }
        }
    }
}

fn proved(listed: &Path, real: &Path) -> BTreeSet<OsString> {
    let is_ours: fn(&Path) -> bool = match listed {
        path if path == Path::new(MANIFESTS) => is_pod,
        path if path == Path::new(CNI_CONF) => is_conf,
        _ => return BTreeSet::new(),
    };
    let names = files::names(real).unwrap_or_default();
    names.into_iter().filter(|name| is_ours(&real.join(name)) || is_temporary(&name.to_string_lossy())).collect()
}

/// A static pod, which nobody but the kubelet has a use for.
fn is_pod(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    let text = files::read_foreign(path, LARGEST).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let said = |line: &str| {
        let line: String = line.chars().filter(|letter| !matches!(letter, '"' | ' ' | ',')).collect();
        line == "kind:Pod" || line.contains("{kind:Pod")
    };
    matches!(extension.as_str(), "yaml" | "yml" | "json") && text.lines().any(said)
}

/// A conf of one of Kubernetes' network plugins, by the types of its plugins or the name of its network. One that no CNI
/// loader reads is somebody's copy, or what Cilium puts aside.
fn is_conf(path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().into_owned()).unwrap_or_default();
    if !matches!(extension.as_str(), "conf" | "conflist" | "json" | "cilium_bak") {
        return false;
    }
    let text = files::read_foreign(path, LARGEST).ok().flatten().unwrap_or_default();
    let Ok(conf) = serde_json::from_slice::<Value>(&text) else { return false };
    let plugins = conf["plugins"].as_array().map_or_else(|| vec![&conf], |list| list.iter().collect());
    let mut types = plugins.iter().filter_map(|plugin| plugin["type"].as_str());
    let is_loopback = types.clone().next() == Some("loopback") && types.clone().count() == 1;
    types.any(|kind| cni::of_type(kind).is_some())
        || conf["name"].as_str().is_some_and(cni::is_known_network)
        || is_loopback
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests write what is to be recognised")]
mod tests {
    use super::*;
    use crate::args::Part;

    #[test]
    fn a_static_pod_and_a_conf_say_themselves_what_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        assert!(is_pod(&file("nginx-proxy.yml", "apiVersion: v1\nkind: Pod\n")));
        assert!(
            is_pod(&file("x.json", "{\n  \"kind\": \"Pod\",\n}")) && is_pod(&file("y.json", "{\"kind\": \"Pod\"}"))
        );
        assert!(!is_pod(&file("notes.yaml", "# kind: Pod\nkind: PodTemplate")));
        assert!(!is_pod(&file("kube-apiserver.yaml.bak", "kind: Pod\n")));
        assert!(is_conf(&file("1.conflist", r#"{"name":"x","plugins":[{"type":"flannel"},{"type":"portmap"}]}"#)));
        assert!(
            is_conf(&file("2.conflist", r#"{"name":"cni0","type":"bridge"}"#))
                && is_conf(&file("3.conflist", r#"{"type":"loopback"}"#))
        );
        assert!(
            !is_conf(&file("4.conflist", r#"{"name":"lab","type":"macvlan"}"#))
                && !is_conf(&file("5.conflist", "a note"))
        );
        assert!(!is_conf(&file("1.conflist.orig", r#"{"name":"x","type":"flannel"}"#)));
    }

    #[test]
    fn a_directory_known_in_part_is_known_in_part_further_down() {
        use remove::Known as _;
        let target = Target { part: Part::Kubernetes, path: "/etc/kubernetes".into(), what: remove::What::Contents };
        let own = Own::of(&target, &target.path).unwrap();
        assert!(matches!(own.fate(b"kubelet.conf", false), Fate::Goes));
        assert!(matches!(own.fate(b"encryption.yaml", false), Fate::Stays));
        let Fate::Partly(pki) = own.fate(b"pki", true) else { panic!("pki is known in part") };
        assert!(matches!((pki.fate(b"ca.crt", false), pki.fate(b"vpn.key", false)), (Fate::Goes, Fate::Stays)));
        assert!(matches!(pki.fate(b"etcd", true), Fate::Partly(_)));
    }
}
