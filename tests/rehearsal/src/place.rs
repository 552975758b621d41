//! Writes files on the node, with the modes the real programs give them.

use anyhow::{Result, anyhow};
use std::io::{Error, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// An error of the system as Go words it.
pub fn words(error: &Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied".into(),
        ErrorKind::StorageFull => "no space left on device".into(),
        ErrorKind::ReadOnlyFilesystem => "read-only file system".into(),
        _ => error.to_string(),
    }
}

/// `write /etc/x: no space left on device`.
fn failed<T>(result: std::io::Result<T>, call: &str, path: &Path) -> Result<T> {
    result.map_err(|error| anyhow!("{call} {}: {}", path.display(), words(&error)))
}

/// Writes `path` anew with `mode`, making its directory (0755; 0700 below /var/lib/kubelet/pki is the caller's).
pub fn write(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    if let Some(parent) = path.parent() {
        dir(parent, 0o755)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = failed(options.write(true).create(true).truncate(true).mode(mode).open(path), "open", path)?;
    failed(file.write_all(bytes.as_ref()), "write", path)
}

/// Writes `path` through a temporary name beside it, so that readers never see half of it.
pub fn replace(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let temp = path.with_file_name(format!(".{name}.new"));
    write(&temp, bytes, mode)?;
    failed(std::fs::rename(&temp, path), "rename", path)
}

/// Makes a directory and those above it.
pub fn dir(path: impl AsRef<Path>, mode: u32) -> Result<()> {
    let path = path.as_ref();
    failed(std::fs::DirBuilder::new().recursive(true).mode(mode).create(path), "mkdir", path)
}

/// Reads a text file, None when it is not there.
pub fn read(path: impl AsRef<Path>) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
