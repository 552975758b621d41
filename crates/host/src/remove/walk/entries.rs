//! The entries of one directory: what is no directory is deleted while the listing is read.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;

use super::stack::Frame;
use super::{Act, Walk, unknown};
use crate::remove::Fate;
use crate::remove::kept::{Why, keep, reason};

impl Walk<'_> {
    /// Reads the topmost directory to its end, deleting what is no directory.
    pub(super) fn read(&mut self, buffer: &mut [MaybeUninit<u8>]) {
        let Some(mut top) = self.stack.pop() else { return };
        top.read = true;
        top.seen = false;
        if let Some(fd) = top.fd.take() {
            let mut entries = RawDir::new(&fd, buffer);
            while let Some(entry) = entries.next() {
                match entry {
                    Ok(entry) if matches!(entry.file_name().to_bytes(), b"." | b"..") => {}
                    Ok(entry) => {
                        top.seen = true;
                        let directory = entry.file_type() == FileType::Directory;
                        let known = top.known.filter(|_| directory);
                        if known
                            .is_some_and(|known| matches!(known.fate(entry.file_name().to_bytes(), true), Fate::Stays))
                        {
                            // At once: a walk that ends at its limit must have named it.
                            let name = entry.file_name();
                            let stat = rustix::fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT);
                            let path = self.stack.path_of(&[&top.name, name]);
                            self.removed.unknown.push(unknown(path, true, stat.ok().as_ref()));
                            (top.holds, top.spares) = (true, true);
                        } else if directory {
                            top.directories.push((entry.file_name().to_owned(), 0));
                        } else {
                            let name = entry.file_name().to_owned();
                            self.file(&mut top, &fd, name);
                        }
                    }
                    Err(errno) => {
                        let here = self.stack.path_of(&[&top.name]);
                        keep(&mut self.removed, here, Why::of(errno));
                        top.holds = true;
                        break;
                    }
                }
            }
            top.fd = Some(fd);
        }
        self.stack.push(top);
    }

    /// Deletes one entry that was not a directory when it was listed.
    fn file(&mut self, top: &mut Frame<'_>, fd: &OwnedFd, name: CString) {
        // A look at what is mounted over it could last for ever; deleting needs no look.
        if self.act != Act::Delete && self.opener.is_mounted_over(fd, &name) {
            self.removed.entries += 1;
            let path = self.stack.path_of(&[&top.name, &name]);
            keep(&mut self.removed, path, Why::Mount);
            top.holds = true;
            return;
        }
        let stat = match rustix::fs::statat(fd, &*name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT) {
            Err(Errno::NOENT) => return,
            stat => stat.ok(),
        };
        let kind = stat.as_ref().map(|stat| FileType::from_raw_mode(stat.st_mode));
        if kind == Some(FileType::Directory) {
            top.directories.push((name, 0));
            return;
        }
        if let Some(stat) = stat.as_ref().filter(|stat| self.is_spared(stat)) {
            let path = self.stack.path_of(&[&top.name, &name]);
            self.note_spared(path, stat);
            (top.holds, top.spares) = (true, true);
            return;
        }
        let fate = top.known.map(|known| known.fate(name.to_bytes(), false));
        if fate.is_some_and(|fate| !matches!(fate, Fate::Goes)) {
            let path = self.stack.path_of(&[&top.name, &name]);
            self.removed.unknown.push(unknown(path, false, stat.as_ref()));
            (top.holds, top.spares) = (true, true);
            return;
        }
        let bytes = stat.filter(|stat| stat.st_nlink == 1).map_or(0, |stat| stat.st_blocks as u64 * 512);
        let result = if self.act == Act::Delete { rustix::fs::unlinkat(fd, &*name, AtFlags::empty()) } else { Ok(()) };
        match result {
            Ok(()) => {
                self.removed.entries += 1;
                self.removed.bytes += bytes;
            }
            Err(Errno::NOENT) => {}
            // It has just been replaced.
            Err(Errno::ISDIR) => top.directories.push((name, 0)),
            Err(errno) => {
                let path = self.stack.path_of(&[&top.name, &name]);
                keep(&mut self.removed, path, reason(fd, &*name, errno));
                top.holds = true;
            }
        }
    }

    /// Deletes what was a directory when it was listed and is none now.
    pub(super) fn replaced(&mut self, name: CString, passes: u8) {
        let Some(mut top) = self.stack.pop() else { return };
        if let Some(fd) = top.fd.take() {
            let before = top.directories.len();
            self.file(&mut top, &fd, name);
            // Back to being a directory: count the pass, or two racing threads could keep us here for ever.
            for (_, again) in &mut top.directories[before..] {
                *again = passes + 1;
            }
            top.fd = Some(fd);
        }
        self.stack.push(top);
    }
}
