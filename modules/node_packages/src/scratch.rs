//! A directory of our own in which repositories are asked: named by process, gone with the run.

use anyhow::Context as _;
use host::files;
use std::path::{Path, PathBuf};

/// The directory; dropping it deletes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    _abort: ansible::AbortGuard,
}

impl Scratch {
    /// Makes it with these directories in it; those of runs that were killed are deleted.
    pub fn make(parent: &str, prefix: &str, parts: &[&str]) -> anyhow::Result<Self> {
        for name in files::names(parent)? {
            let run = name.to_string_lossy().strip_prefix(prefix).map(str::to_owned);
            if run.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                empty(&Path::new(parent).join(&name))?;
            }
        }
        let path = Path::new(parent).join(format!("{prefix}{}", std::process::id()));
        let undo = path.clone();
        let scratch = Scratch { path, _abort: ansible::on_abort(move || empty(&undo).unwrap_or_default()) };
        empty(&scratch.path)?;
        // Downloads may run as a user of their own, who has to get in.
        for part in std::iter::once(&"").chain(parts) {
            files::make_dir(scratch.path.join(part), 0o755)?;
        }
        Ok(scratch)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a file there, and says where.
    pub fn put(&self, place: impl AsRef<Path>, text: &[u8]) -> anyhow::Result<String> {
        let path = self.path.join(place);
        files::write_atomic(&path, text, 0o644).context("asking the repositories in a directory of our own")?;
        Ok(path.display().to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next run deletes what is left.
        let _ = empty(&self.path);
    }
}

/// Deletes a directory of ours, whatever is in it: files, links and directories.
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
