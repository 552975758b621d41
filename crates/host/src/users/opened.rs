//! Files that a process has open: the disk image of a virtual machine is in no mount table.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Users;
use crate::remove::Identity;

/// A smaller file that is only read is somebody's look at a log, which nothing is lost by.
const READ_BY_SOMEBODY: u64 = 1 << 20;

/// Adds what a process has open, except files on file systems that may not answer: a look at these could last for ever.
pub(super) fn files(process: &Path, silent: &[PathBuf], users: &mut Users, name: impl Fn() -> String) {
    let list = std::fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    for entry in list {
        // Sockets, pipes and the like are called `socket:[12]`.
        let Ok(text) = std::fs::read_link(entry.path()) else { continue };
        if text.as_os_str().as_bytes().first() != Some(&b'/')
            || text.starts_with("/dev")
            || silent.iter().any(|point| text.starts_with(point))
        {
            continue;
        }
        let Ok(meta) = std::fs::metadata(entry.path()) else { continue };
        // A file without a name is lost to nobody by deleting names.
        if !meta.is_file() || meta.nlink() == 0 {
            continue;
        }
        if meta.len() >= READ_BY_SOMEBODY || is_written(process, &entry.file_name()) {
            let identity = Identity { device: meta.dev(), inode: meta.ino() };
            let name = name();
            users.add(identity, format!("{name} has open"), format!("ending {name}"), None);
        }
    }
}

/// `flags: 0100002` in fdinfo, octal as in open(2): the last two bits say how it was opened.
fn is_written(process: &Path, fd: &std::ffi::OsStr) -> bool {
    let text = std::fs::read_to_string(process.join("fdinfo").join(fd)).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).is_some_and(|flags| flags & 3 != 0)
}
