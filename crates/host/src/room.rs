//! A place for files that nothing outlives: a directory in memory, which only a thread of its own and the programs that it
//! starts see into. What is in it is gone with the last of them, also when they are killed; the empty directory goes before.
//!
//! A mount namespace belongs to a thread, so nothing that is done inside can leak into the rest of the program.

use anyhow::{Context as _, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::fs::{DirBuilder, remove_dir};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// Runs `work` with the directory. Needs root.
pub fn inside<T: Send>(work: impl FnOnce(&Path) -> Result<T> + Send) -> Result<T> {
    let place = PathBuf::from(format!("/run/kubejoin-room-{}", std::process::id()));
    let making = || format!("making {} for files that nobody else may see", place.display());
    DirBuilder::new().mode(0o700).create(&place).with_context(making)?;
    let done = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            cover(&place).with_context(making)?;
            work(&place)
        });
        match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("working in {}: the work panicked", place.display()),
        }
    });
    done.and_then(|done| gone(&place).map(|()| done))
}

/// Nothing is mounted on it out here: it is empty.
#[allow(clippy::disallowed_methods, reason = "an empty directory of our own, and the error names it")]
fn gone(place: &Path) -> Result<()> {
    remove_dir(place).with_context(|| format!("removing {}", place.display()))
}

fn cover(place: &Path) -> nix::Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Nothing that is mounted here may reach the machine.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("kubejoin"), place, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0700"))
}
