//! Who uses the files of this machine at this moment: what a deletion would take from somebody.
//!
//! By identity, that is file system and inode, and by the directory of a file system that a mount shows: a path can be an
//! alias, relative, of another mount namespace or out of date. Asked are: every mount namespace that a process is in,
//! every loop device, what overlays and erofs are made of, swap files, and what processes have open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::mounts::{Index, Mount};
use crate::remove::Identity;

mod blocks;
mod layers;
mod loops;
mod namespaces;
mod opened;
mod work;

pub use namespaces::Namespace;
pub use work::Work;

/// How a file or a directory is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// By whom or what, as the beginning of a sentence that the path ends: `/srv/media is made of`.
    pub by: String,
    /// How to end that, as a command or half a sentence: `umount /srv/media`.
    pub end: String,
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
    let going = namespaces::look(&index, own, &mut users)?;
    loops::loops(table, &going, own, &mut users);
    loops::swaps(&index, &mut users);
    layers::layers(&index, own, &mut users);
    Ok(users)
}

impl Users {
    fn add(&mut self, identity: Identity, by: String, end: String, point: Option<&Path>) {
        let entry = self.files.entry(identity).or_insert_with(|| Use { by, end, points: Vec::new() });
        entry.points.extend(point.map(Path::to_owned));
    }
}
