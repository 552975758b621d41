//! Who uses the files of this machine at this moment: what a deletion would take from somebody.
//!
//! By identity, that is file system and inode, and by the directory of a file system that a mount shows: a path can be an
//! alias, relative, of another mount namespace or out of date. Asked are: every mount namespace that a process is in,
//! every loop device, every overlay's layers, swap files, and what processes have open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::mounts::{Index, Mount};
use crate::remove::Identity;

mod blocks;
mod layers;
mod namespaces;
mod opened;

pub use namespaces::Namespace;

/// How a file or a directory is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// By whom or what, as the beginning of a sentence that the path ends: `/srv/media is made of`.
    pub by: String,
    /// Where file systems made of it are mounted.
    pub points: Vec<PathBuf>,
}

/// Everything asked, once.
#[derive(Debug, Default)]
pub struct Users {
    /// Files and directories in use.
    pub files: HashMap<Identity, Use>,
    /// Mounts of other mount namespaces.
    pub namespaces: Vec<Namespace>,
    /// What could not be resolved, in words: nobody knows where it lies.
    pub unresolved: Vec<String>,
}

/// What is not somebody else's.
pub struct Own<'a> {
    /// Directories that are emptied: what is mounted below them goes.
    pub directories: &'a [PathBuf],
    /// Processes that will be ended, or are this one.
    pub processes: &'a dyn Fn(i32) -> bool,
}

impl Own<'_> {
    fn covers(&self, path: &Path) -> bool {
        self.directories.iter().any(|directory| path.starts_with(directory))
    }
}

/// Asks. `table` is this process's own mount table.
pub fn now(table: &[Mount], own: &Own<'_>) -> Result<Users> {
    let index = Index::of(table);
    let mut users = Users::default();
    blocks::loops(table, own, &mut users);
    blocks::swaps(&index, &mut users);
    layers::overlays(table, &index, own, &mut users);
    namespaces::look(&index, own, &mut users)?;
    Ok(users)
}

impl Users {
    fn add(&mut self, identity: Identity, by: String, point: Option<&Path>) {
        let entry = self.files.entry(identity).or_insert_with(|| Use { by, points: Vec::new() });
        entry.points.extend(point.map(Path::to_owned));
    }
}
