//! Taking a busy mount off its directory, for all but those who hold it.
//!
//! By identity: the directory is opened, and only if that descriptor is on the mount meant is this very mount detached,
//! through the descriptor. A path could be something else's by then. What is in it stays as it is for whoever works there.

use std::os::fd::{AsRawFd, OwnedFd};

use anyhow::{Context, Result, bail};
use nix::mount::{MntFlags, umount2};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;

use super::{Index, Mount, table};

/// Detaches it, if it is still where it was and nothing is mounted on it.
pub(super) fn detach(mount: &Mount) -> Result<()> {
    let doing = || format!("detaching {}", mount.point.display());
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let plain = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let held = match rustix::fs::openat2(CWD, &mount.point, flags, Mode::empty(), plain) {
        Err(Errno::NOSYS | Errno::PERM) => bail!("{}: openat2 is not to be had here", doing()),
        held => held.with_context(doing)?,
    };
    if id(&held) != Some(mount.id) {
        bail!("{}: another mount is there now", doing());
    }
    let table = table()?;
    if !Index::of(&table).on(mount.id).is_empty() {
        bail!("{}: something is mounted on it", doing());
    }
    // Followed to the mount that the descriptor is on, whatever its path is.
    umount2(format!("/proc/self/fd/{}", held.as_raw_fd()).as_str(), MntFlags::MNT_DETACH).with_context(doing)
}

fn id(held: &OwnedFd) -> Option<u64> {
    let stat = rustix::fs::statx(held, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).ok()?;
    StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID).then_some(stat.stx_mnt_id)
}
