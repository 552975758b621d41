//! One reset at a time; the second says who is at it.
//!
//! The lock is the kernel's, on an open file below /run: it is gone with its holder, however that ended.

use std::fs::File;
use std::io::{Read, Seek, Write};

use anyhow::{Context, Result, bail};
use host::files;
use rustix::fs::{FlockOperation, flock};

const DIRECTORY: &str = "/run/kubejoin";
const PATH: &str = "/run/kubejoin/reset.lock";

/// Held until dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock, or fails naming its holder.
pub fn take(level: &str) -> Result<Lock> {
    files::make_dir(DIRECTORY, 0o700)?;
    let mut file = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(PATH)
        .with_context(|| format!("opening {PATH}"))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut holder = String::new();
        // Who it is, if it has come that far.
        let _ = file.read_to_string(&mut holder);
        bail!("locking {PATH}: another reset is running on this node{}", said(holder.trim()));
    }
    let started = crate::journal::now();
    let line = format!("process {}, level {level}, since {started} (seconds since 1970)\n", std::process::id());
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(line.as_bytes()));
    written.with_context(|| format!("writing {PATH}"))?;
    Ok(Lock { _file: file })
}

fn said(holder: &str) -> String {
    if holder.is_empty() { String::new() } else { format!(": {holder}") }
}
