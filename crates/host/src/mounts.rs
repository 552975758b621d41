//! The mount table of this mount namespace, and taking mounts away without harming what is in them.
//!
//! Owns: reading mountinfo (proc_pid_mountinfo(5)), which mounts lie below a path and in what order they can go, unmounting
//! with a deadline, and naming who keeps one busy. Refuses: to unmount lazily unasked. A lazily detached mount is still in
//! use, can no longer be named or looked at, and with a server behind it its real end may hang this process at its exit.
//!
//! Kernel: mountinfo has been there since Linux 2.6.26, /proc/thread-self since 3.17.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::deadline::Deadline;

mod child;
mod detach;
mod holders;
mod order;
mod parse;
mod unmount;

pub use holders::holders;
pub use order::{Index, below, containing, exactly_at};
pub use parse::parse;
pub(crate) use parse::unescape;
pub use unmount::{Left, Unmounted, unmount, unmount_below, unmount_below_but};

/// One line of mountinfo, unescaped: paths are the bytes the kernel has, whatever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Unique in the namespace until the mount is gone, then reused.
    pub id: u64,
    /// The mount this one is mounted on; itself, or an id not in the table, for the root.
    pub parent: u64,
    /// Major and minor number of the file system.
    pub device: (u32, u32),
    /// The directory or file of the file system that is visible here (`/` unless it is a bind mount or a subvolume).
    pub root: PathBuf,
    /// Where it is mounted, seen from this process's root.
    pub point: PathBuf,
    /// Per-mount options, comma separated.
    pub options: String,
    /// How mount events travel to and from other mounts.
    pub propagation: Propagation,
    /// `ext4`, `fuse.sshfs`, ...
    pub fs_type: String,
    /// Device, export or any name; may be empty.
    pub source: OsString,
    /// Options of the file system, comma separated.
    pub super_options: OsString,
}

/// The optional fields of a mountinfo line (mount_namespaces(7)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Propagation {
    /// Peer group that events are shared with.
    pub shared: Option<u64>,
    /// Peer group that events are received from.
    pub master: Option<u64>,
    /// Cannot be bind mounted.
    pub unbindable: bool,
}

impl Mount {
    /// Whether the mount shows only part of its file system, or is one more view of it.
    pub fn is_read_only(&self) -> bool {
        self.options.split(',').any(|option| option == "ro")
    }

    /// Whether a server or a daemon answers for the file system, so that it can hang for ever.
    pub fn may_hang(&self) -> bool {
        let kind = self.fs_type.split('.').next().unwrap_or_default();
        matches!(
            kind,
            "nfs"
                | "nfs4"
                | "cifs"
                | "smb3"
                | "smbfs"
                | "fuse"
                | "fuseblk"
                | "ceph"
                | "9p"
                | "afs"
                | "lustre"
                | "glusterfs"
                | "virtiofs"
        )
    }
}

/// Whether the file system mounted at `mount.point` answers before the deadline. Asked in a process of its own, which may
/// stay behind if it does not.
pub fn answers(mount: &Mount, deadline: &Deadline) -> bool {
    // Anything but silence is an answer, errors included.
    !mount.may_hang() || !matches!(child::call(child::Call::Ask, &mount.point, deadline), Ok(child::Ended::Stuck))
}

/// Every mount this thread can reach, in the kernel's order.
pub fn table() -> Result<Vec<Mount>> {
    let path = Path::new("/proc/thread-self/mountinfo");
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    parse(&bytes).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests;
