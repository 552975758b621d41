//! The directories between the base of a tree and where the walk is: only some are open, all can be opened again.
//!
//! Never through `..`: a directory is opened by name from one above it that is still open, under the walk's rules, so
//! that it does not matter what was moved meanwhile.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::super::open::Opener;
use crate::remove::Known;

/// Directories kept open at the top of the stack.
const WINDOW: usize = 32;
/// Directories kept open below those, evenly spread: opening a deep one again need not begin at the base.
const MARKS: usize = 32;
/// A path given to the kernel at once; PATH_MAX is 4096.
const CHUNK: usize = 4000;

/// One directory.
pub(super) struct Frame<'a> {
    /// In the parent; empty for the base.
    pub(super) name: CString,
    pub(super) fd: Option<OwnedFd>,
    /// Whether it has been read to its end.
    pub(super) read: bool,
    /// Whether anything was found when it was last read.
    pub(super) seen: bool,
    /// Directories in it still to be dealt with, and how often each has been already.
    pub(super) directories: Vec<(CString, u8)>,
    /// Something in it had to stay, so it has to as well.
    pub(super) holds: bool,
    /// Something in it is to stay for good.
    pub(super) spares: bool,
    /// How often it has been dealt with and was not empty.
    pub(super) passes: u8,
    /// What is known of its entries; nothing means that all go.
    pub(super) known: Option<&'a dyn Known>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(name: CString, fd: OwnedFd, passes: u8, known: Option<&'a dyn Known>) -> Self {
        Self {
            name,
            fd: Some(fd),
            read: false,
            seen: false,
            directories: Vec::new(),
            holds: false,
            spares: false,
            passes,
            known,
        }
    }
}

/// The base and the directories down to where the walk is.
pub(super) struct Stack<'a> {
    path: &'a Path,
    opener: Opener,
    frames: Vec<Frame<'a>>,
    /// Every how many levels a directory stays open for good; doubles when there are too many.
    spacing: usize,
}

impl<'a> Stack<'a> {
    /// Of a tree at `path`, open as `base`.
    pub(super) fn new(path: &'a Path, base: OwnedFd, opener: Opener, known: Option<&'a dyn Known>) -> Self {
        Self { path, opener, frames: vec![Frame::new(CString::default(), base, 0, known)], spacing: WINDOW }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn top(&mut self) -> Option<&mut Frame<'a>> {
        self.frames.last_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Frame<'a>> {
        self.frames.pop()
    }

    /// Puts a frame back, or on top a new one.
    pub(super) fn push(&mut self, frame: Frame<'a>) {
        self.frames.push(frame);
        self.close_far();
    }

    /// Takes everything off but the base, which is always open, and hands it out.
    pub(super) fn unwind(&mut self) -> Option<Frame<'a>> {
        self.frames.truncate(1);
        self.frames.pop()
    }

    /// Closes what is too far below the top of the stack. The base and the marks stay open.
    fn close_far(&mut self) {
        let Some(index) = self.frames.len().checked_sub(WINDOW + 1).filter(|&index| index > 0) else { return };
        if !index.is_multiple_of(self.spacing) {
            self.frames[index].fd = None;
            return;
        }
        if index / self.spacing > MARKS {
            self.spacing *= 2;
            for (level, frame) in self.frames[..=index].iter_mut().enumerate().skip(1) {
                if !level.is_multiple_of(self.spacing) {
                    frame.fd = None;
                }
            }
        }
    }

    /// Opens the topmost directory again if it was closed, and those just above it, which will be needed next.
    pub(super) fn ensure_open(&mut self) -> Result<(), Errno> {
        let Some(last) = self.frames.len().checked_sub(1) else { return Ok(()) };
        if self.frames[last].fd.is_some() {
            return Ok(());
        }
        let from = self.frames.iter().rposition(|frame| frame.fd.is_some()).ok_or(Errno::BADF)?;
        let first = last.saturating_sub(WINDOW - 1).max(from + 1);
        let mut here: Option<OwnedFd> = None;
        let mut next = from + 1;
        while next < first {
            let mut path = self.frames[next].name.to_bytes().to_vec();
            next += 1;
            while self.opener.takes_paths()
                && next < first
                && path.len() + self.frames[next].name.as_bytes().len() < CHUNK
            {
                path.push(b'/');
                path.extend_from_slice(self.frames[next].name.to_bytes());
                next += 1;
            }
            let path = CString::new(path).map_err(|_| Errno::INVAL)?;
            let start = here.as_ref().or(self.frames[from].fd.as_ref()).ok_or(Errno::BADF)?;
            here = Some(self.opener.open(start, &path)?);
        }
        for index in first..=last {
            let above = here.as_ref().or(self.frames[index - 1].fd.as_ref()).ok_or(Errno::BADF)?;
            let fd = self.opener.open(above, &self.frames[index].name)?;
            here = None;
            self.frames[index].fd = Some(fd);
        }
        Ok(())
    }

    /// The path of the topmost directory, or of what `names` leads to from there.
    pub(super) fn path_of(&self, names: &[&CStr]) -> PathBuf {
        let mut path = self.path.as_os_str().as_bytes().to_vec();
        let all = self.frames.iter().map(|frame| frame.name.to_bytes()).chain(names.iter().map(|name| name.to_bytes()));
        for name in all.filter(|name| !name.is_empty()) {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        PathBuf::from(OsStr::from_bytes(&path))
    }
}
