//! Whether the filesystem for images is real: CRI's ImageFsInfo names a directory, statvfs tells its capacity.
//!
//! CRI itself has no capacity field (containerd `internal/cri/server/images/imagefs_info.go`), and kubelet's
//! "invalid capacity 0 on image filesystem" is printed once on every good join: neither says that anything is broken.

use anyhow::Context as _;
use cri::Client;
use host::space::{self, Space};
use serde_json::{Value, json};

/// The filesystem that holds images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFilesystem {
    /// A directory on it, as the runtime names it.
    pub path: String,
    /// Bytes used by images.
    pub used: u64,
    /// What statvfs says.
    pub space: Space,
}

/// Asks the runtime where, and the kernel how much. Usable only if [`Space::problem`] says nothing.
pub fn image_filesystem(client: &mut Client) -> anyhow::Result<ImageFilesystem> {
    let named = client.image_fs_info().context("asking for the image filesystem")?;
    let first = named.into_iter().next().context("asking for the image filesystem: the runtime names none")?;
    let space = space::of(&first.mountpoint).context("the runtime keeps images there")?;
    Ok(ImageFilesystem { path: first.mountpoint, used: first.used_bytes, space })
}

impl ImageFilesystem {
    /// For the result.
    pub fn to_json(&self) -> Value {
        json!({
            "path": self.path, "type": self.space.kind, "bytes": self.space.bytes, "available": self.space.available,
            "used_by_images": self.used, "inodes": self.space.inodes, "inodes_available": self.space.inodes_available,
        })
    }
}
