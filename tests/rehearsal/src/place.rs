//! Writes files on the node, with the modes the real programs give them.

use anyhow::{Context, Result};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Writes `path` anew with `mode`, making its directory (0755; 0700 below /var/lib/kubelet/pki is the caller's).
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    if let Some(parent) = path.parent() {
        dir(parent, 0o755)?;
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(path)
        .with_context(|| format!("open {}", path.display()))?;
    file.write_all(bytes.as_ref()).with_context(|| format!("write {}", path.display()))
}

/// Writes `path` through a temporary name beside it, so that readers never see half of it.
pub fn replace(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temp = path.with_file_name(format!(".{name}.new"));
    write(&temp, bytes, mode)?;
    std::fs::rename(&temp, path).with_context(|| format!("rename {}", path.display()))
}

/// Makes a directory and those above it.
pub fn dir(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("mkdir {}", path.display()))
}

/// Reads a text file, None when it is not there.
pub fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
