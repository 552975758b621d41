//! Block devices that are made of files: loop devices, and whatever lies on them. By device number, through sysfs: a
//! partition leads to its disk, a device mapper or md device to its slaves, a btrfs to all of its devices.

use std::collections::BTreeSet;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::{Own, Users};
use crate::mounts::{Index, Mount};
use crate::remove::Identity;

/// Major and minor number.
type Number = (u32, u32);

/// A loop device that has a file.
struct Loop {
    number: Number,
    name: String,
    /// As the kernel shows it: by the path it had for whoever set it up, or an alias of it.
    text: PathBuf,
    file: Option<Identity>,
}

/// Every loop device's file, and where file systems made of it are mounted. One that is mounted only where everything
/// goes is not somebody's: unmounting lets go of it.
pub(super) fn loops(table: &[Mount], own: &Own<'_>, users: &mut Users) {
    let loops = all();
    if loops.is_empty() {
        return;
    }
    let on: Vec<(&Mount, BTreeSet<Number>)> = table.iter().map(|mount| (mount, bases(mount))).collect();
    for device in loops {
        let Some(file) = device.file.or_else(|| identity(&device.text)) else {
            if own.covers(&device.text) {
                let text = device.text.display();
                users.unresolved.push(format!("the file of {} cannot be told; it is said to be {text}", device.name));
            }
            continue;
        };
        let points: Vec<&Path> = on
            .iter()
            .filter(|(_, bases)| bases.contains(&device.number))
            .map(|(mount, _)| mount.point.as_path())
            .collect();
        let outside: Vec<&&Path> = points.iter().filter(|point| !own.covers(point)).collect();
        match (outside.first(), points.is_empty()) {
            (Some(first), _) => {
                for point in &outside {
                    users.add(file, format!("{} is made of", first.display()), Some(point));
                }
            }
            (None, true) => users.add(file, format!("{} is made of", device.name), None),
            (None, false) => {}
        }
    }
}

/// Swap files.
pub(super) fn swaps(index: &Index<'_>, users: &mut Users) {
    for line in read("/proc/swaps").split(|&byte| byte == b'\n').skip(1) {
        let word = line.split(|&byte| byte == b' ' || byte == b'\t').next().unwrap_or_default();
        let path = PathBuf::from(std::ffi::OsStr::from_bytes(&crate::mounts::unescape(word)));
        if !path.as_os_str().is_empty() && !index.containing(&path).is_some_and(Mount::may_hang) {
            let file = identity(&path).filter(|_| path.is_file());
            file.into_iter().for_each(|file| users.add(file, "swap is on".to_owned(), None));
        }
    }
}

fn all() -> Vec<Loop> {
    let names = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let device = |entry: std::fs::DirEntry| {
        let text = read(entry.path().join("loop/backing_file"));
        let text = text.trim_ascii_end();
        let number = number(&entry.path())?;
        let name = format!("/dev/{}", entry.file_name().to_string_lossy());
        let file = file_of(&name, number);
        (!text.is_empty()).then(|| Loop { number, name, text: PathBuf::from(std::ffi::OsStr::from_bytes(text)), file })
    };
    names.filter_map(device).collect()
}

/// The kernel's own word on which file a loop device has, whatever its path is by now (LOOP_GET_STATUS64, loop(4)).
#[allow(unsafe_code, reason = "no other way tells the inode of a loop device's file")]
fn file_of(name: &str, number: Number) -> Option<Identity> {
    const LOOP_GET_STATUS64: u64 = 0x4C05;
    let node = std::fs::File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_CLOEXEC)
        .open(name)
        .ok()?;
    let meta = node.metadata().ok()?;
    // The node may be another device's.
    if !meta.file_type().is_block_device() || split(meta.rdev()) != number {
        return None;
    }
    // struct loop_info64: lo_device, lo_inode, and 216 bytes more.
    let mut info = [0u64; 29];
    // SAFETY: the descriptor is open, and the buffer is as large as what the kernel writes.
    let done = unsafe { nix::libc::ioctl(node.as_raw_fd(), LOOP_GET_STATUS64 as _, info.as_mut_ptr()) };
    (done == 0).then_some(Identity { device: info[0], inode: info[1] })
}

/// The devices at the bottom of what a mount shows.
fn bases(mount: &Mount) -> BTreeSet<Number> {
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

fn number(directory: &Path) -> Option<Number> {
    let text = read(directory.join("dev"));
    let (major, minor) = std::str::from_utf8(&text).ok()?.trim().split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

fn split(device: u64) -> Number {
    (rustix::fs::major(device), rustix::fs::minor(device))
}

pub(super) fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|meta| Identity { device: meta.dev(), inode: meta.ino() })
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).unwrap_or_default()
}
