//! Temporary files that a killed run of our modules left: `.NAME.kubejoin-XXXXXX`, older than a minute, beside the files
//! that are written atomically, and whatever lies in the directory for what lives only as long as a run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use host::files;
use kubeadm::lock::RUN_DIR;

use crate::journal;
use crate::trees::targets::CNI_CONF;

/// What lies in the directory for runs and is no leftover.
const OURS: [&str; 3] = ["lock", "reset.lock", "reset.journal"];

/// Whose the files are that lie in the directory for runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFiles {
    /// Nobody's: who resets holds the lock that every join and init takes.
    Leftovers,
    /// A join's, which is at work and resets this node as a step of it.
    InUse,
}

/// All of them.
pub(crate) fn find(run_files: RunFiles) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for directory in [CNI_CONF, "/etc", "/etc/containerd", "/etc/containerd/conf.d", journal::STATE, "/etc/sysctl.d"] {
        for name in files::names(directory)? {
            let path = Path::new(directory).join(&name);
            if is_temporary(&name.to_string_lossy()) && is_old(&path).unwrap_or(false) {
                found.push(path);
            }
        }
    }
    // A join's configuration holds a token: left behind it goes.
    if run_files == RunFiles::Leftovers {
        let names = files::names(RUN_DIR)?.into_iter().filter(|name| OURS.iter().all(|ours| name != ours));
        found.extend(names.map(|name| Path::new(RUN_DIR).join(name)).filter(|path| !path.is_dir()));
    }
    Ok(found)
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
