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

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use crate::deadline::Deadline;

mod kept;
mod open;
mod walk;

pub use kept::{Kept, Why};
pub use open::Method;

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
    /// Whether the walk came to its end. False when time ran out, or a survey's limit was reached.
    pub complete: bool,
}

impl Removed {
    fn nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }
}

/// Deletes what is at `path`, an absolute path without links. Nothing there is no error.
///
/// `spare` names files and directories that stay wherever in the tree they are found, with all that is in them.
pub fn remove(path: &Path, what: What, spare: &[Identity], deadline: &Deadline) -> Result<Removed> {
    remove_by(None, path, what, spare, deadline)
}

/// The same by a chosen method, for tests of the ways that this machine's kernel does not need.
pub fn remove_by(
    method: Option<Method>,
    path: &Path,
    what: What,
    spare: &[Identity],
    deadline: &Deadline,
) -> Result<Removed> {
    let doing = || format!("deleting {}", path.display());
    let Some(base) = open_base(path, method).with_context(doing)? else { return Ok(Removed::nothing()) };
    let Base::Directory(fd, opener) = base else {
        if what == What::Contents {
            bail!("deleting the contents of {}: not a directory", path.display());
        }
        return match Identity::at(path) {
            Some(identity) if spare.contains(&identity) => {
                Ok(Removed { spared: vec![path.to_owned()], ..Removed::nothing() })
            }
            _ => unlink(path).with_context(doing),
        };
    };
    let mount_point = open::is_mount_root(path, &fd).with_context(doing)?;
    let mut removed = walk::walk(path, fd, opener, spare, walk::Act::Delete, deadline).with_context(doing)?;
    if what == What::Tree && removed.complete && removed.kept_count == 0 && removed.spared.is_empty() && !mount_point {
        match rmdir(path) {
            Ok(()) => removed.entries += 1,
            Err(Errno::NOENT) => {}
            Err(errno) => kept::keep(&mut removed, path.to_owned(), Why::of(errno)),
        }
    }
    Ok(removed)
}

/// Counts what [`remove`] would delete, up to `limit` entries, and lists the mounts in its way. Touches nothing.
pub fn survey(path: &Path, spare: &[Identity], limit: u64, deadline: &Deadline) -> Result<Removed> {
    let doing = || format!("looking into {}", path.display());
    match open_base(path, None).with_context(doing)? {
        None => Ok(Removed::nothing()),
        Some(Base::File) if Identity::at(path).is_some_and(|identity| spare.contains(&identity)) => {
            Ok(Removed::nothing())
        }
        Some(Base::File) => Ok(Removed { entries: 1, ..Removed::nothing() }),
        Some(Base::Directory(fd, opener)) => {
            walk::walk(path, fd, opener, spare, walk::Act::Count { limit }, deadline).with_context(doing)
        }
    }
}

enum Base {
    Directory(std::os::fd::OwnedFd, open::Opener),
    File,
}

fn open_base(path: &Path, method: Option<Method>) -> Result<Option<Base>> {
    if !path.is_absolute() || path.components().count() < 3 {
        bail!("refused: too near to the root");
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { bail!("refused: it has no name") };
    let parent = match open::plain_directory(parent) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.map_err(explain)?,
    };
    match rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::Directory => return Ok(Some(Base::File)),
        Ok(_) => {}
    }
    let fd = match open::plain_directory(path) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.map_err(explain)?,
    };
    let here = rustix::fs::fstat(&fd)?;
    if Identity::of(Path::new("/")) == Some(Identity { device: here.st_dev, inode: here.st_ino }) {
        bail!("refused: it is the root directory");
    }
    let opener = open::Opener::new(&fd, method)?;
    Ok(Some(Base::Directory(fd, opener)))
}

fn explain(errno: Errno) -> anyhow::Error {
    match errno {
        Errno::LOOP => anyhow::anyhow!("refused: the path leads through a symbolic link"),
        errno => errno.into(),
    }
}

fn unlink(path: &Path) -> Result<Removed> {
    let (fd, name) = in_parent(path)?;
    let mut removed = Removed::nothing();
    match rustix::fs::unlinkat(&fd, name, AtFlags::empty()) {
        Ok(()) => removed.entries = 1,
        Err(Errno::NOENT) => {}
        Err(errno) => kept::keep(&mut removed, path.to_owned(), kept::reason(&fd, name, errno)),
    }
    Ok(removed)
}

fn rmdir(path: &Path) -> Result<(), Errno> {
    let (fd, name) = in_parent(path)?;
    rustix::fs::unlinkat(&fd, name, AtFlags::REMOVEDIR)
}

fn in_parent(path: &Path) -> Result<(std::os::fd::OwnedFd, &std::ffi::OsStr), Errno> {
    let name = path.file_name().ok_or(Errno::INVAL)?;
    Ok((open::plain_directory(path.parent().ok_or(Errno::INVAL)?)?, name))
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
