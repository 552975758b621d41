//! Why something could not be deleted, in words that say what to do.

use std::os::fd::AsFd;
use std::path::PathBuf;

use rustix::fs::{AtFlags, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::path::Arg;

use super::Removed;

/// A list longer than this helps nobody; the count goes on.
const LISTED: usize = 50;

/// Something that had to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it is.
    pub path: PathBuf,
    /// Why.
    pub why: Why,
}

/// Why something had to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is a mount point, or became one during the walk.
    Mount,
    /// `chattr +i`; somebody meant it, so it is not taken off.
    Immutable,
    /// `chattr +a`, on the file or on its directory.
    AppendOnly,
    /// The file system is mounted read-only.
    ReadOnly,
    /// Somebody keeps putting things in.
    Refilled,
    /// Time ran out before it.
    OutOfTime,
    /// Anything else the kernel said.
    Refused(Errno),
}

impl Why {
    pub(super) fn of(errno: Errno) -> Self {
        match errno {
            Errno::BUSY | Errno::XDEV => Self::Mount,
            Errno::ROFS => Self::ReadOnly,
            Errno::NOTEMPTY | Errno::EXIST => Self::Refilled,
            errno => Self::Refused(errno),
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Mount => f.write_str("a mount point"),
            Self::Immutable => f.write_str("immutable (chattr +i)"),
            Self::AppendOnly => f.write_str("append-only (chattr +a)"),
            Self::ReadOnly => f.write_str("on a read-only file system"),
            Self::Refilled => f.write_str("being filled again by somebody"),
            Self::OutOfTime => f.write_str("not reached in time"),
            Self::Refused(errno) => write!(f, "{errno}"),
        }
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

/// EPERM has many causes; the inode flags tell the usual ones.
pub(super) fn reason(directory: impl AsFd, name: impl Arg + Copy, errno: Errno) -> Why {
    if errno != Errno::PERM && errno != Errno::ACCESS {
        return Why::of(errno);
    }
    let directory = directory.as_fd();
    let own = rustix::fs::statx(directory, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT, StatxFlags::TYPE);
    let parent = rustix::fs::statx(directory, c"", AtFlags::EMPTY_PATH, StatxFlags::TYPE);
    let flag = |stat: rustix::fs::Statx| match stat.stx_attributes {
        attributes if attributes.contains(StatxAttributes::IMMUTABLE) => Some(Why::Immutable),
        attributes if attributes.contains(StatxAttributes::APPEND) => Some(Why::AppendOnly),
        _ => None,
    };
    own.ok().and_then(flag).or_else(|| parent.ok().and_then(flag)).unwrap_or(Why::Refused(errno))
}

/// Adds to the list while there is room, and always to the count.
pub(super) fn keep(removed: &mut Removed, path: PathBuf, why: Why) {
    removed.kept_count += 1;
    if removed.kept.len() < LISTED {
        removed.kept.push(Kept { path, why });
    }
}
