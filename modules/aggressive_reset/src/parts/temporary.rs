//! Temporary files that a killed run of our modules left: `.NAME.kubejoin-XXXXXX`, older than a minute, beside the files
//! that are written atomically, and whatever lies in the directory for what lives only as long as a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use host::files;
use kubeadm::lock::RUN_DIR;
use rustix::fs::{FlockOperation, flock};

use crate::trees::targets::CNI_CONF;
use crate::{Caller, journal};

/// What lies in the directory for runs and is no leftover.
const OURS: [&str; 3] = ["lock", "reset.lock", "reset.journal"];

/// All of them.
pub(crate) fn find(caller: Caller) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in [CNI_CONF, "/etc", "/etc/containerd", "/etc/containerd/conf.d", journal::STATE, "/etc/sysctl.d"] {
        for name in files::names(directory)? {
            let path = Path::new(directory).join(&name);
            if is_temporary(&name.to_string_lossy()) && is_old(&path).unwrap_or(false) {
                found.push(path);
            }
        }
    }
    // A join's configuration holds a token. While a join or init is at work, it is its own; the user's reset has that lock.
    if caller == Caller::User || !is_locked(&Path::new(RUN_DIR).join("lock")) {
        let names = files::names(RUN_DIR)?.into_iter().filter(|name| OURS.iter().all(|ours| name != ours));
        found.extend(names.map(|name| Path::new(RUN_DIR).join(name)).filter(|path| !path.is_dir()));
    }
    Ok(found)
}

fn is_locked(path: &Path) -> bool {
    let ours = std::fs::File::open(path).map(|file| flock(&file, FlockOperation::NonBlockingLockShared).is_ok());
    // No such file: nobody ever took it.
    !ours.unwrap_or(true)
}

/// Whether a name is of those that our atomic writes use while they last.
pub fn is_temporary(name: &str) -> bool {
    name.starts_with('.')
        && name
            .rsplit_once(".kubejoin-")
            .is_some_and(|(_, end)| end.len() == 6 && end.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn is_old(path: &Path) -> Result<bool> {
    let meta = std::fs::symlink_metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    Ok(meta.is_file() && meta.modified()?.elapsed().is_ok_and(|age| age > Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_temporary_names_are_taken_for_them() {
        assert!(is_temporary(".10-flannel.conflist.kubejoin-a1B2c3"));
        for other in ["x.kubejoin-a1B2c3", ".x.kubejoin-a1B2c", ".x.swp", ".kubejoin-a1B2c3x"] {
            assert!(!is_temporary(other), "{other}");
        }
    }
}
