//! How large a filesystem is, what is left of it, and whether it can be written.

use anyhow::Context as _;
use rustix::fs::{StatVfsMountFlags, statfs, statvfs};
use std::path::Path;

/// A filesystem, as statvfs(3) and statfs(2) see it from one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// Capacity in bytes. Zero only for filesystems that store nothing.
    pub bytes: u64,
    /// Bytes an ordinary user may still write.
    pub available: u64,
    /// Inodes; zero where the filesystem makes them as needed (btrfs).
    pub inodes: u64,
    /// Inodes left.
    pub inodes_available: u64,
    /// `ext4`, `xfs`, `btrfs`, `overlay`, `tmpfs`, `nfs`, …; the magic number in hexadecimal when it is none we know.
    pub kind: String,
    /// Mounted read-only.
    pub read_only: bool,
}

/// The filesystem that `path`, which must exist, lies on. Hangs when that is a dead NFS mount, as every look at it does.
pub fn of(path: impl AsRef<Path>) -> anyhow::Result<Space> {
    let path = path.as_ref();
    let space = || -> rustix::io::Result<Space> {
        let vfs = statvfs(path)?;
        let magic = statfs(path)?.f_type;
        #[allow(clippy::unnecessary_cast, reason = "f_type is 32 or 64 bits wide, by architecture")]
        let magic = magic as u64 & 0xffff_ffff;
        Ok(Space {
            bytes: vfs.f_blocks.saturating_mul(vfs.f_frsize),
            available: vfs.f_bavail.saturating_mul(vfs.f_frsize),
            inodes: vfs.f_files,
            inodes_available: vfs.f_favail,
            kind: kind(magic),
            read_only: vfs.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    };
    space().with_context(|| format!("asking for the space at {}", path.display()))
}

impl Space {
    /// Why nothing can be stored here, or `None` when it can.
    pub fn problem(&self) -> Option<&'static str> {
        if self.bytes == 0 {
            Some("has no capacity")
        } else if self.read_only {
            Some("is mounted read-only")
        } else if self.available == 0 {
            Some("is full")
        } else if self.inodes > 0 && self.inodes_available == 0 {
            Some("has no inodes left")
        } else {
            None
        }
    }
}

/// linux/magic.h, and the out-of-tree zfs.
fn kind(magic: u64) -> String {
    let name = match magic {
        0xef53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x794c_7630 => "overlay",
        0x0102_1994 => "tmpfs",
        0x6969 => "nfs",
        0xff53_4d42 | 0xfe53_4d42 => "cifs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        0x6573_5546 => "fuse",
        0x7371_7368 => "squashfs",
        other => return format!("{other:#x}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_root_has_space_and_proc_has_none() {
        let root = of("/").unwrap();
        assert!(root.bytes > root.available && root.problem().is_none(), "{root:?}");
        assert_eq!(of("/proc").unwrap().problem(), Some("has no capacity"));
        let text = format!("{:#}", of("/no/such/path").unwrap_err());
        assert!(text.starts_with("asking for the space at /no/such/path: "), "{text}");
    }

    #[test]
    fn each_way_to_be_unusable_has_its_words() {
        let good =
            Space { bytes: 9, available: 5, inodes: 0, inodes_available: 0, kind: "btrfs".into(), read_only: false };
        assert_eq!(good.problem(), None);
        assert_eq!(Space { available: 0, ..good.clone() }.problem(), Some("is full"));
        assert_eq!(Space { inodes: 7, ..good.clone() }.problem(), Some("has no inodes left"));
        assert_eq!(Space { read_only: true, ..good }.problem(), Some("is mounted read-only"));
    }
}
