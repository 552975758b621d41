//! root's kubeconfig: never deleted. What is of this cluster is taken out of it, and a copy of the whole stays
//! with those of all other configuration.
//!
//! An entry is this cluster's when its server *and* its CA are those of the node's own files: behind one address there may
//! have been another cluster before. What cannot be read for certain (tabs, several documents, a byte order mark, merge keys,
//! UTF-16), or changed without losing something, is kept and named.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use host::files;
use host::remove::What;
use kubeadm::ca;
use serde_json::Value;

use crate::args::Part;
use crate::done::Done;
use crate::trees::backup::Backup;
use crate::trees::targets::{KUBE_HOME, Target};

/// Where kubeadm and the kubelet name this cluster's API server.
const OURS: [&str; 6] = [
    "admin.conf",
    "super-admin.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
    "controller-manager.conf",
    "scheduler.conf",
];
/// More than this is not a kubeconfig that a person has.
const LARGEST: usize = 16 << 20;

/// What is in root's directory of kubectl.
#[derive(Debug, Default)]
pub struct Home {
    /// What is taken out of the kubeconfig.
    pub edit: Option<Edit>,
    /// The parts of kubectl's cache that are about this cluster.
    pub cache: Vec<Target>,
    /// What stays, and why.
    pub kept: Vec<(PathBuf, String)>,
}

/// A kubeconfig without this cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file.
    pub path: PathBuf,
    /// Its bytes at the look: an edit of anything else is not this one.
    before: Vec<u8>,
    after: String,
    /// Names of clusters, contexts and users that are taken out.
    removed: Vec<String>,
}

impl Edit {
    /// What is taken out, in words.
    pub fn what(&self) -> String {
        format!("entries of this cluster: {}", self.removed.join(", "))
    }
}

/// Server and CA: what makes a cluster this one.
type Cluster = (String, String);

/// Looks; changes nothing.
pub fn observe() -> Result<Home> {
    let path = Path::new(KUBE_HOME).join("config");
    let ours = ours();
    let mut home = Home::default();
    match look(&path, &ours) {
        Ok(edit) => home.edit = edit,
        Err(why) => home.kept.push((path, why)),
    }
    cache(&ours, &mut home)?;
    Ok(home)
}

/// Writes the copy, then the file; only when it is still what was looked at.
pub fn apply(edit: &Edit, backup: &mut Backup, done: &mut Done) -> Result<()> {
    let path = &edit.path;
    let now = files::read_optional(path)?;
    anyhow::ensure!(
        now.as_ref() == Some(&edit.before),
        "editing {}: it has changed since it was looked at; it is kept as it is",
        path.display()
    );
    let copy = backup.write(path, &edit.before)?;
    files::write_atomic(path, edit.after.as_bytes(), 0o600)?;
    done.kubeconfig.push(format!("{}: {}; it was kept as {}", path.display(), edit.what(), copy.display()));
    Ok(())
}

/// The edit that takes this cluster out, or why the file is kept as it is. Nothing when nothing in it is this cluster's.
fn look(path: &Path, ours: &BTreeSet<Cluster>) -> Result<Option<Edit>, String> {
    let meta = match std::fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(_) => return Ok(None),
    };
    if !meta.is_file() {
        return Err("it is not a regular file: what it leads to is somebody's".to_owned());
    }
    let bytes = files::read_optional(path).map_err(|error| format!("{error:#}"))?.unwrap_or_default();
    let document = read(&bytes)?;
    let directory = path.parent().unwrap_or(Path::new("/"));
    let (after, removed) = without(document, ours, directory);
    let others = servers(&after);
    match removed.is_empty() {
        true if others.is_empty() => Ok(None),
        true => Err(format!("it is not proved to be this cluster's: {}", others.join(", "))),
        false => {
            let after = kubeadm::kubeconfig::to_yaml(&after).map_err(|error| format!("{error:#}"))?;
            Ok(Some(Edit { path: path.to_owned(), before: bytes, after, removed }))
        }
    }
}

/// A kubeconfig whose meaning is certain.
fn read(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    if text.len() > LARGEST {
        return Err("it is larger than a kubeconfig can be".to_owned());
    }
    if text.starts_with('\u{feff}') || text.contains('\0') {
        return Err("it begins with a byte order mark, or has zero bytes in it".to_owned());
    }
    let document = kubeadm::kubeconfig::yaml(text).map_err(|error| format!("it cannot be read: {error:#}"))?;
    if !document.is_object() || document["kind"].as_str().is_some_and(|kind| kind != "Config") {
        return Err("it is not a kubeconfig".to_owned());
    }
    if has_merge_key(&document) {
        return Err("it has merge keys (<<), which would be lost".to_owned());
    }
    for list in ["clusters", "contexts", "users"] {
        let named = |entry: &Value| entry["name"].is_string();
        let is_list = document[list].is_null() || document[list].as_array().is_some_and(|all| all.iter().all(named));
        if !is_list {
            return Err(format!("its {list} are not a list of entries with names"));
        }
    }
    Ok(document)
}

fn has_merge_key(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, inner)| key == "<<" || has_merge_key(inner)),
        Value::Array(list) => list.iter().any(has_merge_key),
        _ => false,
    }
}

/// The document without this cluster's entries, and what they were: clusters, the contexts that use them, and the users
/// that no other context needs.
fn without(mut document: Value, ours: &BTreeSet<Cluster>, directory: &Path) -> (Value, Vec<String>) {
    let names = |list: &Value, is: &dyn Fn(&Value) -> bool| -> BTreeSet<String> {
        let all = list.as_array().into_iter().flatten();
        all.filter(|entry| is(entry)).filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect()
    };
    let is_ours = |entry: &Value| cluster(&entry["cluster"], directory).is_some_and(|cluster| ours.contains(&cluster));
    let clusters = names(&document["clusters"], &is_ours);
    let uses = |entry: &Value| entry["context"]["cluster"].as_str().is_some_and(|name| clusters.contains(name));
    let contexts = names(&document["contexts"], &uses);
    let users_of = |goes: bool| -> BTreeSet<String> {
        let all = document["contexts"].as_array().into_iter().flatten();
        let user = all.filter(|entry| uses(entry) == goes).filter_map(|entry| entry["context"]["user"].as_str());
        user.map(str::to_owned).collect()
    };
    let users: BTreeSet<String> = users_of(true).difference(&users_of(false)).cloned().collect();
    let mut removed = Vec::new();
    for (list, what, gone) in
        [("clusters", "cluster", &clusters), ("contexts", "context", &contexts), ("users", "user", &users)]
    {
        if let Some(entries) = document[list].as_array_mut() {
            entries.retain(|entry| !entry["name"].as_str().is_some_and(|name| gone.contains(name)));
        }
        removed.extend(gone.iter().map(|name| format!("{what} {name}")));
    }
    if document["current-context"].as_str().is_some_and(|name| contexts.contains(name)) {
        document["current-context"] = Value::String(String::new());
    }
    (document, removed)
}

fn servers(document: &Value) -> Vec<String> {
    let all = document["clusters"].as_array().into_iter().flatten();
    all.filter_map(|entry| entry["cluster"]["server"].as_str()).map(str::to_owned).collect()
}

/// This cluster, by every file of the node that names it. Empty when none does: then nothing is this cluster's.
fn ours() -> BTreeSet<Cluster> {
    let directory = Path::new("/etc/kubernetes");
    let mut found = BTreeSet::new();
    for name in OURS {
        let bytes = files::read_optional(directory.join(name)).ok().flatten().unwrap_or_default();
        let Ok(document) = read(&bytes) else { continue };
        let all = document["clusters"].as_array().into_iter().flatten();
        found.extend(all.filter_map(|entry| cluster(&entry["cluster"], directory)));
    }
    found
}

/// Nothing without a server, and nothing without a CA that can be read.
fn cluster(cluster: &Value, directory: &Path) -> Option<Cluster> {
    let server = cluster["server"].as_str()?.trim_end_matches('/').to_ascii_lowercase();
    let given = cluster["certificate-authority-data"].as_str().and_then(ca::base64_decode);
    let named = || {
        let path = directory.join(cluster["certificate-authority"].as_str()?);
        path.is_file().then(|| files::read_optional(path).ok().flatten())?
    };
    let hash = ca::hash_of_pem(&given.or_else(named)?).ok()?;
    Some((server, hash))
}

/// kubectl's cache is by server: `cache/discovery/10.0.0.1_6443`. What lies beside, `cache/http`, is by the hash of an
/// address: it goes only when no other server is in the cache (kubernetes, cli-runtime, `config_flags.go`).
fn cache(ours: &BTreeSet<Cluster>, home: &mut Home) -> Result<()> {
    let cache = Path::new(KUBE_HOME).join("cache");
    let discovery = cache.join("discovery");
    if !std::fs::symlink_metadata(&cache).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    let own: BTreeSet<String> = ours.iter().map(|(server, _)| directory_of(server)).collect();
    let target = |path: PathBuf| Target { part: Part::Kubectl, path, what: What::Contents };
    let names = files::names(&discovery)?;
    let is_own = |name: &std::ffi::OsString| own.contains(name.to_string_lossy().as_ref());
    if !names.is_empty() && names.iter().all(is_own) {
        home.cache.push(target(cache));
        return Ok(());
    }
    home.cache.extend(names.iter().filter(|name| is_own(name)).map(|name| target(discovery.join(name))));
    if files::names(&cache)?.into_iter().any(|name| name != "discovery") || !names.iter().all(is_own) {
        home.kept.push((cache, "it may be about other clusters".to_owned()));
    }
    Ok(())
}

/// As kubectl makes a directory's name of a server: without the scheme, and what is not `[A-Za-z0-9.]` as `_`.
fn directory_of(server: &str) -> String {
    let plain = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://")).unwrap_or(server);
    plain.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' }).collect()
}

#[cfg(test)]
#[path = "kubectl_tests.rs"]
mod tests;
