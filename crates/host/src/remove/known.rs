//! What of a tree may go, entry by entry, where not all of it does.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::SystemTime;

/// What is known of a directory's entries. Asked while the directory is read, so what appears later is judged as well.
pub trait Known {
    /// What becomes of the entry `name`, which is a directory or is not.
    fn fate(&self, name: &[u8], directory: bool) -> Fate<'_>;
}

/// What becomes of an entry.
pub enum Fate<'a> {
    /// It goes, with all that is in it.
    Goes,
    /// It is a directory of which this is known.
    Partly(&'a dyn Known),
    /// Nobody knows it: it stays, with all that is in it.
    Stays,
}

/// What stayed because nobody knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is a directory.
    pub directory: bool,
    /// Its own size in bytes.
    pub bytes: u64,
    /// When its content was last changed.
    pub modified: Option<SystemTime>,
}

/// What stays of a tree.
#[derive(Clone, Copy, Default)]
pub struct Keep<'a> {
    /// Files and directories that stay wherever in the tree they are found, with all that is in them.
    pub spare: &'a [super::Identity],
    /// What of it is known; nothing means that all of it goes.
    pub known: Option<&'a dyn Known>,
    /// Files and directories that somebody uses: they stay, too, and are told apart from those spared.
    pub used: Option<&'a HashSet<super::Identity>>,
}

impl<'a> Keep<'a> {
    /// Only these stay.
    pub fn spare(spare: &'a [super::Identity]) -> Self {
        Self { spare, ..Self::default() }
    }
}
