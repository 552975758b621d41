//! Copies of configuration that goes: drop-ins, CNI configuration, static pods, the kubelet's configuration, root's kubeconfig
//! before this cluster is taken out of it. One directory for each run, named after its time, for root alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use host::files;
use host::remove::What;

use super::look::Found;
use super::targets::{CNI_CONF, MANIFESTS};
use crate::journal;

/// Where copies are kept.
const BACKUPS: &str = "/var/backups/kubejoin";
/// Configuration is a few kilobytes.
const LARGEST: u64 = 1 << 20;

/// Copies of one run.
#[derive(Debug, Default)]
pub struct Backup {
    directory: Option<PathBuf>,
}

impl Backup {
    /// Copies a file, if it is one. What is larger than any configuration is not copied but refused.
    pub fn keep(&mut self, path: &Path) -> Result<()> {
        let doing = || format!("keeping a copy of {}", path.display());
        let Some(bytes) = files::read_foreign(path, LARGEST).with_context(doing)? else { return Ok(()) };
        self.write(path, &bytes).map(drop)
    }

    /// Writes the copy of a file that was read before, and says where it is.
    pub fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<PathBuf> {
        let doing = || format!("keeping a copy of {}", path.display());
        let directory = self.directory()?;
        let name = path.strip_prefix("/").unwrap_or(path);
        let copy = directory.join(name);
        let mut parent = directory;
        for part in name.parent().into_iter().flat_map(Path::components) {
            parent.push(part);
            files::make_dir(&parent, 0o700).with_context(doing)?;
        }
        files::write_atomic(&copy, bytes, 0o600).with_context(doing)?;
        Ok(copy)
    }

    /// Copies what of a target is somebody's configuration. Secrets (keys, this node's kubeconfigs) are none: they go.
    pub fn keep_of(&mut self, found: &Found) -> Result<()> {
        let path = &found.target.path;
        let wanted: Vec<PathBuf> = match path.as_path() {
            _ if found.target.what == What::Tree => Vec::new(),
            all if all == Path::new(CNI_CONF) || all == Path::new(MANIFESTS) => {
                files::names(all)?.into_iter().map(|name| all.join(name)).collect()
            }
            kubelet if kubelet == Path::new("/var/lib/kubelet") => {
                ["config.yaml", "kubeadm-flags.env"].map(|name| kubelet.join(name)).to_vec()
            }
            _ => Vec::new(),
        };
        let mut files = wanted.into_iter().filter(|path| path.symlink_metadata().is_ok_and(|meta| meta.is_file()));
        files.try_for_each(|path| self.keep(&path))
    }

    /// Where copies were made, if any were.
    pub fn made(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    fn directory(&mut self) -> Result<PathBuf> {
        if let Some(directory) = &self.directory {
            return Ok(directory.clone());
        }
        let directory = Path::new(BACKUPS).join(journal::stamp());
        files::make_dir(BACKUPS, 0o700)?;
        files::make_dir(&directory, 0o700)?;
        self.directory = Some(directory.clone());
        Ok(directory)
    }
}
