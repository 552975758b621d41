//! A place for files that nothing outlives: /tmp in memory, which only a thread of its own and the programs that it starts
//! see. It is gone with the last of them, also when they are killed.
//!
//! A mount namespace belongs to a thread, so nothing that is done inside can leak into the rest of the program.

use anyhow::{Context as _, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use std::path::Path;

const PLACE: &str = "/tmp";

/// Runs `work` where /tmp, which it is given, is empty and its own. Needs root.
pub fn inside<T: Send>(work: impl FnOnce(&Path) -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            make().context("making a room in memory for files that nobody else may see")?;
            work(Path::new(PLACE))
        });
        match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("working in a room in memory: the work panicked"),
        }
    })
}

fn make() -> nix::Result<()> {
    let none = None::<&str>;
    unshare(CloneFlags::CLONE_NEWNS)?;
    // Nothing that is mounted here may reach the machine.
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("kubejoin"), PLACE, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some("mode=0700"))
}
