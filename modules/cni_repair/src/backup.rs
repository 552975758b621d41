//! Copies of what a repair deletes.

use host::files;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A copy of every file before it is deleted, in a directory of this run.
#[derive(Debug)]
pub struct Backup {
    dir: PathBuf,
    used: bool,
}

impl Backup {
    /// Below `base`, named by the second; made only when something is taken.
    pub fn new(base: &Path) -> Self {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { dir: base.join(format!("cni-{seconds}")), used: false }
    }

    /// The directory, if anything was copied into it.
    pub fn made(&self) -> Option<&Path> {
        self.used.then_some(self.dir.as_path())
    }

    /// Copies files, below their own paths, and deletes them. One that is gone already is no error.
    pub fn take(&mut self, paths: &[PathBuf]) -> anyhow::Result<()> {
        for path in paths {
            let copy = self.dir.join(path.strip_prefix("/").unwrap_or(path));
            // A link that leads nowhere has no content, and is in the way all the same.
            let (bytes, target) = (files::read_optional(path)?, std::fs::read_link(path).ok());
            if bytes.is_none() && target.is_none() {
                continue;
            }
            files::make_dir(copy.parent().unwrap_or(&self.dir), 0o700)?;
            match (bytes, target) {
                (Some(bytes), _) => files::write_atomic(&copy, &bytes, 0o600)?,
                (None, Some(target)) => files::link(target, &copy).map(drop)?,
                (None, None) => {}
            }
            self.used = true;
            files::delete_file(path)?;
        }
        Ok(())
    }
}
