//! A directory of apt's own lists and sources as they are to be: whether a repository can be used, and what it has, is
//! found out without a change to the machine. In memory, named by process, gone with the run.

use super::sources::{self, File};
use anyhow::Context as _;
use host::files;
use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

const PARENT: &str = "/run";
const PREFIX: &str = "kubejoin-apt-";
const LISTS: &str = "/var/lib/apt/lists";

/// The directory; dropping it deletes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _abort: ansible::AbortGuard,
}

impl Scratch {
    /// Makes it, with the lists that the machine has; those of runs that were killed are deleted.
    pub fn make() -> anyhow::Result<Self> {
        for name in files::names(PARENT)? {
            let run = name.to_string_lossy().strip_prefix(PREFIX).map(str::to_owned);
            if run.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                empty(&Path::new(PARENT).join(&name))?;
            }
        }
        let path = Path::new(PARENT).join(format!("{PREFIX}{}", std::process::id()));
        let undo = path.clone();
        let scratch = Scratch { path, _abort: ansible::on_abort(move || empty(&undo).unwrap_or_default()) };
        empty(&scratch.path)?;
        // apt's downloads run as a user of their own, who has to get in.
        for part in ["", "lists", "lists/partial", "sources", "keys"] {
            files::make_dir(scratch.path.join(part), 0o755)?;
        }
        for name in files::names(LISTS)? {
            // An index is named after its address; what else there is are apt's lock and directories.
            if name.to_string_lossy().contains('_') {
                let to = scratch.path.join("lists").join(&name);
                symlink(Path::new(LISTS).join(&name), &to).with_context(|| format!("linking {}", to.display()))?;
            }
        }
        Ok(scratch)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a key there, and says where.
    pub fn key(&self, name: &str, key: &[u8]) -> anyhow::Result<String> {
        let path = self.path.join("keys").join(name);
        files::write_atomic(&path, key, 0o644)?;
        Ok(path.display().to_string())
    }

    /// Puts a source there.
    pub fn source(&self, name: &OsStr, text: &str) -> anyhow::Result<()> {
        files::write_atomic(self.path.join("sources").join(name), text.as_bytes(), 0o644)
    }

    /// Puts the machine's sources there, as they are to be.
    pub fn sources(&self, all: &[File]) -> anyhow::Result<()> {
        for file in all {
            // sources.list, which has no place of its own here, reads like one of the others; none of them is called so.
            let main = file.path == Path::new(sources::MAIN);
            let name =
                if main { OsStr::new("main-of-the-machine.list") } else { file.path.file_name().unwrap_or_default() };
            self.source(name, &file.text)?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It is in memory, and the next run deletes what is left.
        let _ = empty(&self.path);
    }
}

/// Deletes a directory of ours: files, links and the two levels of directories that it has.
fn empty(path: &Path) -> anyhow::Result<()> {
    for name in files::names(path)? {
        let inner = path.join(name);
        if std::fs::symlink_metadata(&inner).is_ok_and(|meta| meta.is_dir()) {
            empty(&inner)?;
        } else {
            files::delete_file(&inner)?;
        }
    }
    files::delete_empty_dir(path).map(drop)
}
