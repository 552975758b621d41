//! One kubeadm at a time on a node: two joins side by side would undo each other's work.
//!
//! The lock is the kernel's, on an open file below /run: it is gone with its holder, however that ended.

use anyhow::Context as _;
use host::files;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;

/// The directory for what lives only as long as a run.
pub const RUN_DIR: &str = "/run/kubejoin";

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock, or says that another run has it.
pub fn take() -> anyhow::Result<Lock> {
    files::make_dir(RUN_DIR, 0o700)?;
    let path = format!("{RUN_DIR}/lock");
    let mut options = File::options();
    let file =
        options.create(true).truncate(false).write(true).open(&path).with_context(|| format!("opening {path}"))?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .with_context(|| format!("locking {path}: another join or init is running on this node"))?;
    Ok(Lock { _file: file })
}
