//! What is at a path, held open from the first look to the deletion, so that what goes is what was looked at.
//!
//! A path is a name: between a look and a deletion a disk may be mounted on it, or another directory put there. What was
//! looked at is held by an `O_PATH` descriptor, which pins its inode and its mount. [`Target::last_look`] opens the path
//! again, and gives leave to delete only if file system, inode and mount are the same. `O_PATH` reads nothing, waits for
//! no server, and sets off no automount.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Identity, explain, open};
use crate::mounts::{Mount, exactly_at, table};

const HELD: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// What there is, to be deleted or emptied. Only an open descriptor makes one.
#[derive(Debug)]
pub struct Target {
    path: PathBuf,
    held: Held,
}

/// An open descriptor and what it is of.
#[derive(Debug)]
struct Held {
    fd: OwnedFd,
    /// The directory that it lies in.
    parent: OwnedFd,
    identity: Identity,
    /// See [`super::Method`]: a number for each mount, as long as it is there.
    mount: u64,
    kind: FileType,
}

/// Leave to delete a target: it was opened once more, and is the same as before. What is mounted in it is not entered.
#[derive(Debug)]
#[must_use = "a look alone deletes nothing"]
pub struct LastLook<'a> {
    pub(super) path: &'a Path,
    pub(super) fd: OwnedFd,
    pub(super) parent: OwnedFd,
    pub(super) identity: Identity,
    pub(super) kind: FileType,
    pub(super) is_mount: bool,
}

impl Target {
    /// Opens what is at `path`, an absolute path without links; a link at its end is held itself. `None` when there is
    /// nothing. Refuses `/` by identity, and anything directly below it by name.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let held = hold(path).with_context(|| format!("looking at {}", path.display()))?;
        Ok(held.map(|held| Self { path: path.to_owned(), held }))
    }

    /// Where it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn fd(&self) -> &OwnedFd {
        &self.held.fd
    }

    /// Its file system and inode.
    pub fn identity(&self) -> Identity {
        self.held.identity
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.held.kind == FileType::Directory
    }

    /// Opens the path again and compares. An error says what is there now; nothing may be deleted then.
    pub fn last_look(&self) -> Result<LastLook<'_>> {
        let path = self.path.as_path();
        let doing = || format!("looking at {} again before deleting", path.display());
        let Some(now) = hold(path).with_context(doing)? else { bail!("{}: it is gone", doing()) };
        if now.identity != self.held.identity || now.mount != self.held.mount || now.kind != self.held.kind {
            let what = exactly_at(&table()?, path).map_or_else(|| "something else is there".to_owned(), mounted);
            bail!("{}: {what}, which was not there at the first look", doing());
        }
        let is_mount = open::mount_of(&now.parent)? != now.mount;
        let Held { fd, parent, identity, kind, .. } = now;
        Ok(LastLook { path, fd, parent, identity, kind, is_mount })
    }
}

fn mounted(mount: &Mount) -> String {
    format!("{} of {} is mounted", mount.fs_type, mount.source.to_string_lossy())
}

fn hold(path: &Path) -> Result<Option<Held>> {
    if !path.is_absolute() || path.components().count() < 3 {
        bail!("refused: too near to the root");
    }
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { bail!("refused: it has no name") };
    let parent = match open::plain_directory(above) {
        Err(Errno::NOENT) => return Ok(None),
        other => other.map_err(explain)?,
    };
    let fd = match rustix::fs::openat(&parent, name, HELD, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let stat = rustix::fs::statat(&fd, c"", AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT)?;
    let identity = Identity { device: stat.st_dev, inode: stat.st_ino };
    if Identity::of(Path::new("/")) == Some(identity) {
        bail!("refused: it is the root directory");
    }
    let mount = open::mount_of(&fd)?;
    Ok(Some(Held { fd, parent, identity, mount, kind: FileType::from_raw_mode(stat.st_mode) }))
}
