//! Which devices a file system lies on at the bottom. By device number, through sysfs: a partition leads to its disk, a
//! device mapper or md device to its slaves, a btrfs to all of its devices.

use std::collections::BTreeSet;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::mounts::Mount;

/// Major and minor number.
pub(super) type Number = (u32, u32);

/// The devices at the bottom of what a mount shows.
pub(super) fn bases(mount: &Mount) -> BTreeSet<Number> {
    let mut found = BTreeSet::new();
    let start = if mount.device.0 != 0 { vec![mount.device] } else { of_source(mount) };
    let mut todo = start;
    while let Some(device) = todo.pop() {
        if !found.insert(device) {
            continue;
        }
        let Ok(directory) = std::fs::canonicalize(format!("/sys/dev/block/{}:{}", device.0, device.1)) else {
            continue;
        };
        if directory.join("partition").exists() {
            todo.extend(directory.parent().and_then(number));
        }
        let slaves = std::fs::read_dir(directory.join("slaves")).into_iter().flatten().flatten();
        todo.extend(slaves.filter_map(|slave| number(&slave.path())));
    }
    found
}

/// A btrfs has a device number of its own and any number of devices; its source names one of them.
fn of_source(mount: &Mount) -> Vec<Number> {
    if mount.fs_type != "btrfs" {
        return Vec::new();
    }
    let source = std::fs::metadata(&mount.source).ok().filter(|meta| meta.file_type().is_block_device());
    let Some(source) = source.map(|meta| split(meta.rdev())) else { return Vec::new() };
    let systems = std::fs::read_dir("/sys/fs/btrfs").into_iter().flatten().flatten();
    let devices = systems.map(|system| {
        let devices = std::fs::read_dir(system.path().join("devices")).into_iter().flatten().flatten();
        devices.filter_map(|device| number(&device.path())).collect::<Vec<_>>()
    });
    devices.into_iter().find(|devices| devices.contains(&source)).unwrap_or_else(|| vec![source])
}

pub(super) fn number(directory: &Path) -> Option<Number> {
    let text = read(directory.join("dev"));
    let (major, minor) = std::str::from_utf8(&text).ok()?.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

pub(super) fn split(device: u64) -> Number {
    (rustix::fs::major(device), rustix::fs::minor(device))
}

/// Nothing when it cannot be read.
pub(super) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}
