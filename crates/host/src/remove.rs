//! Deleting a directory tree and nothing else.
//!
//! Guarantees, whatever other processes do meanwhile: no symbolic link is followed, also not in the path that leads to the
//! tree; no mount is entered, bind mounts of the same file system included; nothing is reached through `..`. What cannot be
//! deleted (a mount point, an immutable file, ...) is kept and reported, and the walk goes on.
//!
//! How: every step down is openat2(2) with `NO_XDEV|NO_SYMLINKS|NO_MAGICLINKS|BENEATH`, every deletion unlinkat(2) relative
//! to the directory just opened. Before Linux 5.6, or where a sandbox forbids openat2, each directory's mount id is
//! compared with the tree's (statx since 5.8, fdinfo since 3.15). Without either the tree is refused. `st_dev` is no
//! substitute: it does not change at a bind mount of the same file system, and `rm --one-file-system` deletes through one.
//!
//! Refuses: `/` by identity, and anything directly below it by name; a path that leads through a link.
//! Depth is bounded by memory only: the stack is a vector, and fewer than seventy directories are open at a time.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::deadline::Deadline;

mod kept;
mod known;
mod open;
mod target;
mod walk;

pub use kept::{Kept, Why};
pub use known::{Fate, Keep, Known, Unknown};
pub use open::Method;
pub use target::{LastLook, Target};

/// How much of the tree goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Everything in the directory; the directory itself stays.
    Contents,
    /// The directory too (or the file, or the link). A directory that is a mount point is only emptied.
    Tree,
}

/// Which file or directory, on which file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identity {
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
}

impl Identity {
    /// Of what `path` leads to, links followed. `None` when there is nothing.
    pub fn of(path: &Path) -> Option<Self> {
        rustix::fs::stat(path).ok().map(|stat| Self { device: stat.st_dev, inode: stat.st_ino })
    }

    /// Of what is at `path` itself, be it a link. `None` when there is nothing.
    pub fn at(path: &Path) -> Option<Self> {
        rustix::fs::lstat(path).ok().map(|stat| Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// What became of a tree.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Files, links and directories that are gone (in a survey: that are there).
    pub entries: u64,
    /// Bytes on disk that went with them; a file with another name elsewhere counts nothing.
    pub bytes: u64,
    /// What had to stay, the first fifty.
    pub kept: Vec<Kept>,
    /// How many had to stay.
    pub kept_count: u64,
    /// What was spared because the caller asked for it.
    pub spared: Vec<PathBuf>,
    /// What was left because somebody uses it.
    pub used: Vec<(PathBuf, Identity)>,
    /// What was left because nobody knows it.
    pub unknown: Vec<Unknown>,
    /// Whether the walk came to its end. False when time ran out, or a survey's limit was reached.
    pub complete: bool,
}

impl Removed {
    fn nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }
}

/// Deletes what was looked at: the walk starts from the very descriptor that was compared.
pub fn remove(look: LastLook<'_>, what: What, keep: Keep<'_>, deadline: &Deadline) -> Result<Removed> {
    remove_by(None, look, what, keep, deadline)
}

/// The same by a chosen method, for tests of the ways that this machine's kernel does not need.
pub fn remove_by(
    method: Option<Method>,
    look: LastLook<'_>,
    what: What,
    keep: Keep<'_>,
    deadline: &Deadline,
) -> Result<Removed> {
    let LastLook { path, fd, parent, identity, kind, is_mount } = look;
    let doing = || format!("deleting {}", path.display());
    let name = path.file_name().context("refused: it has no name").with_context(doing)?;
    if kind != FileType::Directory {
        match (what, kind) {
            (What::Contents, FileType::Symlink) => bail!("{}: {}", doing(), explain(Errno::LOOP)),
            (What::Contents, _) => bail!("deleting the contents of {}: not a directory", path.display()),
            (What::Tree, _) if keep.spare.contains(&identity) => {
                return Ok(Removed { spared: vec![path.to_owned()], ..Removed::nothing() });
            }
            (What::Tree, _) => return unlink(path, &parent, name, identity).with_context(doing),
        }
    }
    let base = open::readable(&fd).with_context(doing)?;
    let opener = open::Opener::new(&base, method).with_context(doing)?;
    let mut removed = walk::walk(path, base, opener, keep, walk::Act::Delete, deadline);
    let stays =
        removed.kept_count > 0 || !removed.spared.is_empty() || !removed.used.is_empty() || !removed.unknown.is_empty();
    if what == What::Tree && removed.complete && !stays && !is_mount {
        match rustix::fs::unlinkat(&parent, name, AtFlags::REMOVEDIR) {
            Ok(()) => removed.entries += 1,
            Err(Errno::NOENT) => {}
            Err(errno) => kept::keep(&mut removed, path.to_owned(), Why::of(errno)),
        }
    }
    Ok(removed)
}

/// Counts what [`remove`] would delete, up to `limit` entries, and lists the mounts in its way. Touches nothing.
pub fn survey(target: &Target, keep: Keep<'_>, limit: u64, deadline: &Deadline) -> Result<Removed> {
    let path = target.path();
    let doing = || format!("looking into {}", path.display());
    if !target.is_directory() {
        let entries = u64::from(!keep.spare.contains(&target.identity()));
        return Ok(Removed { entries, ..Removed::nothing() });
    }
    let base = open::readable(target.fd()).with_context(doing)?;
    let opener = open::Opener::new(&base, None).with_context(doing)?;
    Ok(walk::walk(path, base, opener, keep, walk::Act::Count { limit }, deadline))
}

fn explain(errno: Errno) -> anyhow::Error {
    match errno {
        Errno::LOOP => anyhow::anyhow!("refused: the path leads through a symbolic link"),
        errno => errno.into(),
    }
}

/// Deletes a file or a link, if its name still leads to what was looked at.
fn unlink(path: &Path, parent: &OwnedFd, name: &OsStr, identity: Identity) -> Result<Removed> {
    let mut removed = Removed::nothing();
    let now = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT);
    if now.is_ok_and(|stat| (Identity { device: stat.st_dev, inode: stat.st_ino }) != identity) {
        bail!("another file is there now");
    }
    match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) => removed.entries = 1,
        Err(Errno::NOENT) => {}
        Err(errno) => kept::keep(&mut removed, path.to_owned(), kept::reason(parent, name, errno)),
    }
    Ok(removed)
}

/// Whether `path` exists and every component of it is what it says, no link among them. `None` when it does not exist.
pub fn is_plain(path: &Path) -> Result<Option<bool>> {
    let parent: PathBuf = path.parent().unwrap_or(path).to_owned();
    let name = path.file_name().unwrap_or_default();
    let fd = match open::plain_directory(&parent) {
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP | Errno::NOTDIR) => return Ok(Some(false)),
        other => other.with_context(|| format!("opening {}", parent.display()))?,
    };
    match rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno).with_context(|| format!("looking at {}", path.display())),
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode) != FileType::Symlink)),
    }
}
