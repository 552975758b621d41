//! A bare Debian has no certificates to trust, and a repository behind https cannot be asked without: those of the
//! distribution's own package are read, without installing it, so that check mode can ask, too.

use super::command::{Apt, Sources};
use anyhow::{Context as _, bail};
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use std::path::{Path, PathBuf};

/// What apt and containerd trust.
pub const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
/// The package that makes it.
pub const PACKAGE: &str = "ca-certificates";

/// Whether the machine trusts anybody.
pub fn are_there() -> bool {
    Path::new(BUNDLE).exists()
}

/// Makes a bundle in the scratch directory.
pub fn fetch(apt: &Apt, deadline: &Deadline) -> anyhow::Result<PathBuf> {
    let doing = "fetching the certificates of package ca-certificates, which this machine lacks";
    let uris = ["--print-uris", "download", PACKAGE];
    let mut shown = apt.run("apt-get", Sources::Planned, &uris, doing, deadline)?;
    if !shown.status.success() {
        apt.run("apt-get", Sources::Planned, &["update"], doing, deadline)?;
        shown = apt.must("apt-get", Sources::Planned, &uris, doing, deadline)?;
    }
    let text = shown.stdout_text();
    let address = text.lines().find_map(|line| line.strip_prefix('\'')?.split('\'').next());
    let address = address.with_context(|| format!("{doing}: no source has it"))?;
    let package = apt.scratch.join("keys/ca-certificates.deb");
    let to = package.display().to_string();
    apt.must("/usr/lib/apt/apt-helper", Sources::Planned, &["download-file", address, &to], doing, deadline)?;
    let tree = apt.scratch.join("certificates");
    Program::new("dpkg-deb").args([Path::new("--extract"), &package, &tree]).run(deadline)?.success()?;
    let directory = tree.join("usr/share/ca-certificates/mozilla");
    let mut bundle = Vec::new();
    for name in files::names(&directory)? {
        bundle.extend(files::read_optional(directory.join(name))?.unwrap_or_default());
    }
    if bundle.is_empty() {
        bail!("{doing}: it has none in {}", directory.display());
    }
    let path = apt.scratch.join("keys/ca.crt");
    files::write_atomic(&path, &bundle, 0o644)?;
    Ok(path)
}
