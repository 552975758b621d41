//! The walk: depth first, with a vector for a stack and a bounded number of open directories.
//!
//! A directory is read to its end once; files go while it is read, directories are remembered by name. Then it needs to be
//! open only to descend and to take its emptied children away.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Stat};
use rustix::io::Errno;

use super::kept::{Why, keep, reason};
use super::open::Opener;
use super::{Fate, Identity, Keep, Removed, Unknown};
use crate::deadline::Deadline;

mod entries;
mod stack;

use stack::{Frame, Stack};

/// How often a directory that fills up again is emptied.
const PASSES: u8 = 16;

/// What is done with what is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It is deleted.
    Delete,
    /// It is counted, up to this many entries.
    Count {
        /// The walk ends here.
        limit: u64,
    },
}

struct Walk<'a> {
    path: &'a Path,
    opener: Opener,
    keep: Keep<'a>,
    act: Act,
    stack: Stack<'a>,
    removed: Removed,
}

/// Walks the tree below `base`, which stays.
pub(super) fn walk(
    path: &Path,
    base: OwnedFd,
    opener: Opener,
    keep_back: Keep<'_>,
    act: Act,
    deadline: &Deadline,
) -> Removed {
    let stack = Stack::new(path, base, opener, keep_back.known);
    let mut walk = Walk { path, opener, keep: keep_back, act, stack, removed: Removed::nothing() };
    let mut buffer = vec![MaybeUninit::uninit(); 32 * 1024];
    while !walk.stack.is_empty() {
        if deadline.expired() {
            let here = walk.stack.path_of(&[]);
            keep(&mut walk.removed, here, Why::OutOfTime);
            walk.removed.complete = false;
            break;
        }
        if matches!(act, Act::Count { limit } if walk.removed.entries >= limit) {
            walk.removed.complete = false;
            break;
        }
        walk.step(&mut buffer);
    }
    walk.removed
}

impl Walk<'_> {
    fn step(&mut self, buffer: &mut [MaybeUninit<u8>]) {
        if let Err(errno) = self.stack.ensure_open() {
            return self.lost(errno);
        }
        let Some(top) = self.stack.top() else { return };
        if !top.read {
            return self.read(buffer);
        }
        match top.directories.pop() {
            Some((name, passes)) => self.descend(name, passes),
            None => self.leave(),
        }
    }

    fn descend(&mut self, name: CString, passes: u8) {
        let Some(top) = self.stack.top() else { return };
        let Some(fd) = &top.fd else { return };
        let known = match top.known.map(|known| known.fate(name.to_bytes(), true)) {
            None | Some(Fate::Goes) => None,
            Some(Fate::Partly(known)) => Some(known),
            Some(Fate::Stays) => {
                let stat = rustix::fs::statat(fd, &*name, AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT).ok();
                return self.leave_unknown(&name, true, stat.as_ref());
            }
        };
        match self.opener.open(fd, &name) {
            Ok(child) if rustix::fs::fstat(&child).is_ok_and(|stat| self.is_spared(&stat)) => self.spare(&child, &name),
            Ok(child) => {
                self.stack.push(Frame::new(name, child, passes, known));
            }
            Err(Errno::NOENT) => {}
            // Replaced by a file or a link since it was listed: that goes, not what it points to.
            Err(Errno::NOTDIR | Errno::LOOP) if passes < PASSES => self.replaced(name, passes),
            Err(errno) => {
                // The directory a file system is mounted on will go when that is unmounted.
                self.removed.entries += u64::from(self.act != Act::Delete && errno == Errno::XDEV);
                self.hold(&name, Why::of(errno));
            }
        }
    }

    /// The topmost directory has been dealt with: take it away, or look at it once more.
    fn leave(&mut self) {
        let Some(mut done) = self.stack.pop() else { return };
        let Some(parent) = self.stack.top() else {
            if done.seen && !done.holds && self.act == Act::Delete {
                if done.passes < PASSES {
                    done.read = false;
                    done.passes += 1;
                    self.rewind(&done);
                    self.stack.push(done);
                } else {
                    let path = self.path.to_owned();
                    keep(&mut self.removed, path, Why::Refilled);
                }
            }
            return;
        };
        parent.holds |= done.holds;
        parent.spares |= done.spares;
        if self.act != Act::Delete {
            // What holds a mount now will be empty once that is gone; what is spared stays.
            self.removed.entries += u64::from(!done.spares);
            return;
        }
        if done.holds {
            return;
        }
        drop(done.fd.take());
        if let Err(errno) = self.stack.ensure_open() {
            return self.lost(errno);
        }
        let Some(fd) = self.stack.top().and_then(|parent| parent.fd.as_ref()) else { return };
        match rustix::fs::unlinkat(fd, &*done.name, AtFlags::REMOVEDIR) {
            Ok(()) => self.removed.entries += 1,
            Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST | Errno::NOTDIR) if done.passes < PASSES => {
                if let Some(parent) = self.stack.top() {
                    parent.directories.push((done.name, done.passes + 1));
                }
            }
            Err(errno) => {
                let why = reason(fd, &*done.name, errno);
                self.hold(&done.name, why);
            }
        }
    }

    /// Back to the start of the listing.
    fn rewind(&self, frame: &Frame) {
        if let Some(fd) = &frame.fd {
            // Where the file system cannot seek, the next pass lists nothing and the walk ends there.
            let _ = rustix::fs::seek(fd, rustix::fs::SeekFrom::Start(0));
        }
    }

    fn is_spared(&self, stat: &Stat) -> bool {
        let identity = Identity { device: stat.st_dev, inode: stat.st_ino };
        self.keep.spare.contains(&identity) || self.keep.used.is_some_and(|used| used.contains(&identity))
    }

    fn spare(&mut self, child: &OwnedFd, name: &CStr) {
        let path = self.stack.path_of(&[name]);
        if let Ok(stat) = rustix::fs::fstat(child) {
            self.note_spared(path, &stat);
        }
        if let Some(top) = self.stack.top() {
            (top.holds, top.spares) = (true, true);
        }
    }

    fn note_spared(&mut self, path: PathBuf, stat: &Stat) {
        let identity = Identity { device: stat.st_dev, inode: stat.st_ino };
        match self.keep.spare.contains(&identity) {
            true => self.removed.spared.push(path),
            false => self.removed.used.push((path, identity)),
        }
    }

    fn leave_unknown(&mut self, name: &CStr, directory: bool, stat: Option<&Stat>) {
        let path = self.stack.path_of(&[name]);
        self.removed.unknown.push(unknown(path, directory, stat));
        if let Some(top) = self.stack.top() {
            (top.holds, top.spares) = (true, true);
        }
    }

    fn hold(&mut self, name: &CStr, why: Why) {
        let path = self.stack.path_of(&[name]);
        keep(&mut self.removed, path, why);
        if let Some(top) = self.stack.top() {
            top.holds = true;
        }
    }

    /// A directory on the way was moved or became a mount: begin again at the base, which is always open.
    fn lost(&mut self, errno: Errno) {
        let here = self.stack.path_of(&[]);
        let Some(mut base) = self.stack.unwind() else { return };
        if base.passes < PASSES {
            base.passes += 1;
            base.read = false;
            base.directories.clear();
            self.rewind(&base);
        } else {
            keep(&mut self.removed, here, Why::of(errno));
            base.directories.clear();
            base.holds = true;
        }
        self.stack.push(base);
    }
}

fn unknown(path: PathBuf, directory: bool, stat: Option<&Stat>) -> Unknown {
    let since = stat.and_then(|stat| u64::try_from(stat.st_mtime).ok()).map(Duration::from_secs);
    let bytes = stat.and_then(|stat| u64::try_from(stat.st_size).ok()).unwrap_or_default();
    Unknown { path, directory, bytes, modified: since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)) }
}
