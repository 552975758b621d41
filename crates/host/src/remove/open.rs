//! Opening one directory inside another, never through a link and never across a mount.

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Component, Path};

use anyhow::{Context, Result};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);
const NO_LINKS: ResolveFlags = ResolveFlags::NO_SYMLINKS.union(ResolveFlags::NO_MAGICLINKS);
const INSIDE: ResolveFlags = NO_LINKS.union(ResolveFlags::NO_XDEV).union(ResolveFlags::BENEATH);

/// How a mount is told from an ordinary directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The kernel refuses to cross (Linux 5.6).
    Openat2,
    /// Mount ids from statx(2) are compared (Linux 5.8).
    Statx,
    /// Mount ids from /proc/self/fdinfo are compared (Linux 3.15).
    Fdinfo,
}

/// Opens directories of one tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opener {
    method: Method,
    /// The tree's mount id; unused by [`Method::Openat2`].
    mount: u64,
}

impl Opener {
    /// Finds a method that works for the tree at `base`, or takes the one asked for. No method: an error.
    pub(super) fn new(base: &OwnedFd, wanted: Option<Method>) -> Result<Self> {
        let works = |method: Method| match method {
            Method::Openat2 => rustix::fs::openat2(base, c".", DIRECTORY, Mode::empty(), INSIDE).ok().map(|_| 0),
            _ => mount_id(base, method).ok(),
        };
        let all = [Method::Openat2, Method::Statx, Method::Fdinfo];
        all.into_iter()
            .filter(|method| wanted.is_none_or(|wanted| wanted == *method))
            .find_map(|method| works(method).map(|mount| Self { method, mount }))
            .context("refused: neither openat2, statx nor /proc tell here where another mount begins")
    }

    /// Whether a path of several components can be opened in one step.
    pub(super) fn takes_paths(&self) -> bool {
        self.method == Method::Openat2
    }

    /// Opens a directory: EXDEV for a mount point, ENOTDIR or ELOOP for anything that is no directory.
    pub(super) fn open(&self, directory: impl AsFd, name: &CStr) -> Result<OwnedFd, Errno> {
        if self.method == Method::Openat2 {
            // The kernel answers EAGAIN when something was renamed while it looked.
            for _ in 0..64 {
                match rustix::fs::openat2(directory.as_fd(), name, DIRECTORY, Mode::empty(), INSIDE) {
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    other => return other,
                }
            }
            return Err(Errno::AGAIN);
        }
        let fd = rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())?;
        if mount_id(&fd, self.method)? == self.mount { Ok(fd) } else { Err(Errno::XDEV) }
    }

    /// Whether a file has another one mounted over it, without asking that one's file system, which may not answer.
    pub(super) fn is_mounted_over(&self, directory: impl AsFd, name: &CStr) -> bool {
        let flags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
        self.method == Method::Openat2
            && rustix::fs::openat2(directory, name, flags, Mode::empty(), INSIDE)
                .is_err_and(|errno| errno == Errno::XDEV)
    }
}

fn mount_id(fd: &OwnedFd, method: Method) -> Result<u64, Errno> {
    if method == Method::Statx {
        let stat = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
        let told = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
        return if told { Ok(stat.stx_mnt_id) } else { Err(Errno::NOSYS) };
    }
    let text =
        std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", fd.as_raw_fd())).map_err(|_| Errno::NOSYS)?;
    let id = text.lines().find_map(|line| line.strip_prefix("mnt_id:")).and_then(|id| id.trim().parse().ok());
    id.ok_or(Errno::NOSYS)
}

/// Opens an absolute path as a directory; mounts on the way are crossed, links are not (ELOOP).
pub(super) fn plain_directory(path: &Path) -> Result<OwnedFd, Errno> {
    // Without O_NOFOLLOW a link at the end is ELOOP like any other, and not "not a directory".
    match rustix::fs::openat2(CWD, path, DIRECTORY.difference(OFlags::NOFOLLOW), Mode::empty(), NO_LINKS) {
        Err(Errno::NOSYS | Errno::PERM) => {}
        other => return other,
    }
    let mut here = rustix::fs::open("/", DIRECTORY, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir => {}
            Component::Normal(name) => {
                let is_link = |stat: rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
                here = match rustix::fs::openat(&here, name, DIRECTORY, Mode::empty()) {
                    Err(Errno::NOTDIR)
                        if rustix::fs::statat(&here, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(is_link) =>
                    {
                        return Err(Errno::LOOP);
                    }
                    other => other?,
                };
            }
            Component::ParentDir | Component::Prefix(_) => return Err(Errno::INVAL),
        }
    }
    Ok(here)
}

/// The number of the mount that an open file or directory is on.
pub(super) fn mount_of(fd: &OwnedFd) -> Result<u64> {
    let id = mount_id(fd, Method::Statx).or_else(|_| mount_id(fd, Method::Fdinfo));
    id.ok().context("refused: neither statx nor /proc tell here which mount a directory is on")
}

/// A directory that was opened without reading it (`O_PATH`), for reading: no name is looked up but its own.
pub(super) fn readable(fd: &OwnedFd) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(fd, c".", DIRECTORY, Mode::empty())
}
