//! What was done: the lists that every part adds to. A leaf, so that no part has to know who calls it.

use std::path::PathBuf;

use serde_json::Value;

use crate::words::{count, size};

/// A deleted target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Where.
    pub path: PathBuf,
    /// Files, links and directories.
    pub entries: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Removal {
    /// In words.
    pub fn to_text(&self) -> String {
        let entries = count(self.entries, "entry", "entries");
        format!("{}: {entries}, {}", self.path.display(), size(self.bytes))
    }
}

/// What was done, or in check mode would be.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Whether anything was begun that changes the node.
    pub changed: bool,
    /// A line per preserved tree, as it was found afterwards.
    pub preserved: Vec<Value>,
    /// Deleted targets.
    pub removed: Vec<Removal>,
    /// Mount points that are gone.
    pub unmounted: Vec<String>,
    /// Pods, as namespace/name.
    pub pods: Vec<String>,
    /// Images that were removed one by one.
    pub images: Vec<String>,
    /// Processes that were ended.
    pub ended: Vec<String>,
    /// Links.
    pub links: Vec<String>,
    /// Routes.
    pub routes: Vec<String>,
    /// Firewall, a line per table.
    pub firewall: Vec<String>,
    /// Drop-ins, with the reason.
    pub drop_ins: Vec<String>,
    /// What was taken out of root's kubeconfig, and where the copy is.
    pub kubeconfig: Vec<String>,
    /// Units whose failure was forgotten.
    pub failed_units: Vec<String>,
    /// What was changed in containerd's configuration.
    pub repaired: Vec<String>,
    /// What was kept, with the reason.
    pub kept: Vec<(PathBuf, String)>,
    /// Where copies of deleted configuration are.
    pub backup: Option<PathBuf>,
    /// What went wrong: the task fails with these.
    pub problems: Vec<String>,
    /// What the user ought to know.
    pub warnings: Vec<String>,
}

impl ansible::Done for Done {
    fn is_change(&self) -> bool {
        self.changed
    }
}
