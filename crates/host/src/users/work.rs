//! What some processes work in at this moment: files that they have open, directories that they watch, what is mounted where
//! they are. By identity, as the kernel has it, so that a copy of a directory is told from the one in use.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::mounts::{Mount, parse};
use crate::remove::Identity;

/// What they work in.
#[derive(Debug, Default)]
pub struct Work {
    open: HashSet<Identity>,
    /// Device of the file system, and inode.
    watched: HashSet<((u32, u32), u64)>,
    /// Mounts of their namespaces other than our own.
    seen: Vec<Mount>,
}

impl Work {
    /// Of these processes. `names` are the file names that [`Self::has_open`] will be asked for: no other file is looked at,
    /// because one on a server that is gone would never answer. One that ends meanwhile works in nothing.
    pub fn of(pids: impl Iterator<Item = i32>, names: &[&str]) -> Self {
        let namespace = |process: &Path| std::fs::metadata(process.join("ns/mnt")).ok().map(|meta| meta.ino());
        let ours = namespace(Path::new("/proc/thread-self"));
        let mut namespaces = HashSet::new();
        let mut work = Self::default();
        for pid in pids {
            let process = PathBuf::from(format!("/proc/{pid}"));
            work.descriptors(&process, names);
            let other = namespace(&process).filter(|inode| Some(*inode) != ours && namespaces.insert(*inode));
            if other.is_some() {
                let table = std::fs::read(process.join("mountinfo")).ok().and_then(|bytes| parse(&bytes).ok());
                work.seen.extend(table.into_iter().flatten());
            }
        }
        work
    }

    fn descriptors(&mut self, process: &Path, names: &[&str]) {
        for entry in std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten() {
            let Ok(text) = std::fs::read_link(entry.path()) else { continue };
            if text == Path::new("anon_inode:inotify") {
                let said = std::fs::read_to_string(process.join("fdinfo").join(entry.file_name())).unwrap_or_default();
                self.watched.extend(said.lines().filter_map(watch));
            } else if text.is_absolute() && names.iter().any(|name| text.ends_with(name)) {
                let meta = std::fs::metadata(entry.path()).ok().filter(|meta| meta.is_file());
                self.open.extend(meta.map(|meta| Identity { device: meta.dev(), inode: meta.ino() }));
            }
        }
    }

    /// Whether one of them has what is at `path` open.
    pub fn has_open(&self, path: &Path) -> bool {
        Identity::at(path).is_some_and(|identity| self.open.contains(&identity))
    }

    /// Whether one of them watches the directory `path`, which is on `mount`. Never on btrfs, whose subvolumes and snapshots
    /// have inodes of the same number.
    pub fn watches(&self, path: &Path, mount: &Mount) -> bool {
        let inode = Identity::at(path).map(|identity| identity.inode);
        mount.fs_type != "btrfs" && inode.is_some_and(|inode| self.watched.contains(&(mount.device, inode)))
    }

    /// Whether something is mounted for one of them that lies strictly below this directory of a mount's file system.
    pub fn sees_in(&self, mount: &Mount, directory: &Path) -> bool {
        let root: PathBuf = mount.root.join(directory);
        self.seen.iter().any(|seen| seen.device == mount.device && seen.root != root && seen.root.starts_with(&root))
    }
}

/// `inotify wd:1 ino:9e7e sdev:800013 mask:... ` (proc_pid_fdinfo(5)): both numbers in hexadecimal, the device as the kernel
/// has it, twelve bits for the major and twenty for the minor number.
fn watch(line: &str) -> Option<((u32, u32), u64)> {
    let rest = line.strip_prefix("inotify ")?;
    let value = |key: &str| rest.split(' ').find_map(|word| word.strip_prefix(key));
    let inode = u64::from_str_radix(value("ino:")?, 16).ok()?;
    let device = u32::from_str_radix(value("sdev:")?, 16).ok()?;
    Some(((device >> 20, device & 0xf_ffff), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_read_as_the_kernel_writes_it() {
        let line = "inotify wd:2 ino:7ef82a sdev:800001 mask:800afff ignored_mask:0 fhandle-bytes:8 fhandle-type:1";
        assert_eq!(watch(line), Some(((8, 1), 0x7e_f82a)));
        assert_eq!((watch("pos:\t0"), watch("inotify wd:1 ino:x sdev:1")), (None, None));
    }
}
