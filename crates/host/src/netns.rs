//! Doing something inside another network namespace: in a thread of its own, which ends with it.
//!
//! A namespace belongs to a thread, so nothing that is done inside can leak into the rest of the program. Only the
//! network changes: files, among them /etc/resolv.conf, stay this machine's.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, setns};

/// Run `work` in the network namespace at `path`, such as /var/run/netns/cni-... or /proc/PID/ns/net. Refuses a path that
/// is no namespace of the network. Anything that reads /proc/self/net inside sees this process's first thread's network:
/// read /proc/thread-self/net.
pub fn inside<T: Send>(path: &Path, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let entering = || format!("entering network namespace {}", path.display());
    let file = File::open(path).with_context(entering)?;
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            setns(file, CloneFlags::CLONE_NEWNET).with_context(entering)?;
            work()
        });
        match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("working in network namespace {}: the work panicked", path.display()),
        }
    })
}
