//! What containerd's database says of who has something in it.
//!
//! containerd, `metadata/buckets.go`: `v1/NAMESPACE/{labels,leases,images,containers,sandboxes,snapshots/SNAPSHOTTER,
//! content/{blob,ingests}}`. A kind of object that is not known here counts as something that somebody would miss.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::bolt::{self, Bolt};

/// Names of what a namespace holds, by kind.
pub type Holdings = BTreeMap<String, Vec<String>>;

/// Kubernetes' namespace.
pub const KUBERNETES: &str = "k8s.io";
/// Labels and leases are about things, and are not things that somebody would miss.
const NOT_HELD: [&str; 2] = ["labels", "leases"];

/// What lies in the database.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Namespaces {
    /// k8s.io's.
    pub kubernetes: Holdings,
    /// Names of the others that hold something.
    pub foreign: Vec<String>,
}

/// Where containerd's database lies below its root.
pub fn database(root: &Path) -> PathBuf {
    root.join("io.containerd.metadata.v1.bolt/meta.db")
}

/// One transaction's view while containerd may be writing; no database means nothing there. For the plan: before anything
/// is deleted, [`super::sole`] asks again.
pub fn namespaces(root: &Path) -> Result<Namespaces> {
    Ok(bolt::snapshot(&database(root), read)?.unwrap_or_default())
}

/// All of it.
pub fn read(database: &Bolt) -> Result<Namespaces> {
    let mut found = Namespaces::default();
    for name in database.names(&["v1"])? {
        let held = of_namespace(database, &name)?;
        match (name.as_str(), held.is_empty()) {
            (KUBERNETES, _) => found.kubernetes = held,
            (_, false) => found.foreign.push(name),
            (_, true) => {}
        }
    }
    Ok(found)
}

fn of_namespace(database: &Bolt, namespace: &str) -> Result<Holdings> {
    let mut held = Holdings::new();
    for kind in database.names(&["v1", namespace])? {
        let names = match kind.as_str() {
            "snapshots" | "content" => {
                let mut names = Vec::new();
                for inner in database.names(&["v1", namespace, &kind])? {
                    names.extend(database.names(&["v1", namespace, &kind, &inner])?);
                }
                names
            }
            other if NOT_HELD.contains(&other) => continue,
            _ => database.names(&["v1", namespace, &kind])?,
        };
        if !names.is_empty() {
            let mut names = names;
            names.sort();
            held.insert(kind, names);
        }
    }
    Ok(held)
}
