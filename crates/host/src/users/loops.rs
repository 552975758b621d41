//! Files that are block devices to the kernel: those of loop devices, and swap files.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, fsconfig_create, fsmount, fsopen};

use super::blocks::{Number, bases, number, read, split};
use super::{Own, Users};
use crate::mounts::{Index, Mount};
use crate::remove::Identity;

/// A loop device that has a file.
struct Loop {
    number: Number,
    name: String,
    /// As the kernel shows it: by the path it had for whoever set it up, or an alias of it.
    text: PathBuf,
    file: Option<Identity>,
}

/// Every loop device's file, and where file systems made of it are mounted. One that is mounted only where everything
/// goes, here or in a mount namespace whose processes end (`going`), is not somebody's: unmounting lets go of it.
pub(super) fn loops(table: &[Mount], going: &[Mount], own: &Own<'_>, users: &mut Users) {
    let loops = all();
    if loops.is_empty() {
        return;
    }
    // Few file systems, however many mounts: sysfs is asked once for each.
    let mut systems: HashMap<(Number, &OsStr), BTreeSet<Number>> = HashMap::new();
    for mount in table.iter().chain(going) {
        systems.entry((mount.device, &mount.source)).or_insert_with(|| bases(mount));
    }
    let below = |mount: &Mount, number: Number| {
        systems.get(&(mount.device, mount.source.as_os_str())).is_some_and(|bases| bases.contains(&number))
    };
    for device in loops {
        let Some(file) = device.file.or_else(|| identity(&device.text)) else {
            if own.covers(&device.text) {
                let text = device.text.display();
                users.unresolved.push(format!("the file of {} cannot be told; it is said to be {text}", device.name));
            }
            continue;
        };
        let points: Vec<&Path> =
            table.iter().filter(|mount| below(mount, device.number)).map(|mount| mount.point.as_path()).collect();
        let ends = going.iter().any(|mount| below(mount, device.number));
        let outside: Vec<&&Path> = points.iter().filter(|point| !own.covers(point)).collect();
        match (outside.first(), points.is_empty() && !ends) {
            (Some(first), _) => {
                let first = first.display();
                for point in &outside {
                    users.add(file, format!("{first} is made of"), format!("umount {first}"), Some(point));
                }
            }
            (None, true) => {
                let (by, end) = (format!("{} is made of", device.name), format!("losetup --detach {}", device.name));
                users.add(file, by, end, None);
            }
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
            let end = || format!("swapoff {}", path.display());
            file.into_iter().for_each(|file| users.add(file, "swap is on".to_owned(), end(), None));
        }
    }
}

fn all() -> Vec<Loop> {
    let names = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let mut nodes = None;
    let mut device = |entry: std::fs::DirEntry| {
        let text = read(entry.path().join("loop/backing_file"));
        let text = text.trim_ascii_end();
        let number = number(&entry.path())?;
        if text.is_empty() {
            return None;
        }
        let name = format!("/dev/{}", entry.file_name().to_string_lossy());
        // In a container there may be no node of that name, or another device's.
        let file = file_of(&name, number).or_else(|| file_by(nodes.get_or_insert_with(nowhere).as_ref()?, number));
        Some(Loop { number, name, text: PathBuf::from(std::ffi::OsStr::from_bytes(text)), file })
    };
    names.filter_map(&mut device).collect()
}

fn file_of(name: &str, number: Number) -> Option<Identity> {
    ask(rustix::fs::open(name, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).ok()?, number)
}

/// By a node of our own, on a file system that is mounted nowhere, so that nobody ever sees it.
fn file_by(nodes: &OwnedFd, number: Number) -> Option<Identity> {
    let name = format!("{}-{}", number.0, number.1);
    let device = rustix::fs::makedev(number.0, number.1);
    rustix::fs::mknodat(nodes, &name, FileType::BlockDevice, Mode::RUSR, device).ok()?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    ask(rustix::fs::openat(nodes, &name, flags, Mode::empty()).ok()?, number)
}

/// An empty file system without a place. Nothing before Linux 5.2.
fn nowhere() -> Option<OwnedFd> {
    let system = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).ok()?;
    fsconfig_create(&system).ok()?;
    let root = fsmount(&system, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty()).ok()?;
    // A descriptor of the mount itself is O_PATH, which is enough for what is done relative to it.
    rustix::fs::openat(&root, c".", OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok().or(Some(root))
}

/// The kernel's own word on which file a loop device has, whatever its path is by now (LOOP_GET_STATUS64, loop(4)).
#[allow(unsafe_code, reason = "no other way tells the inode of a loop device's file")]
fn ask(node: OwnedFd, number: Number) -> Option<Identity> {
    const LOOP_GET_STATUS64: u64 = 0x4C05;
    let stat = rustix::fs::fstat(&node).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::BlockDevice || split(stat.st_rdev) != number {
        return None;
    }
    // struct loop_info64: lo_device, lo_inode, and 216 bytes more.
    let mut info = [0u64; 29];
    // SAFETY: the descriptor is open, and the buffer is as large as what the kernel writes.
    let done = unsafe { nix::libc::ioctl(node.as_raw_fd(), LOOP_GET_STATUS64 as _, info.as_mut_ptr()) };
    (done == 0).then_some(Identity { device: info[0], inode: info[1] })
}

/// Of what a path leads to.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    std::fs::metadata(path).ok().map(|meta| Identity { device: meta.dev(), inode: meta.ino() })
}
