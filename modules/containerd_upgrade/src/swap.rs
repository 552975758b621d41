//! Putting the new one in, and the old one back. Each can be done twice: an interrupted run does it again.

use crate::conversion::FileChange;
use crate::copies;
use crate::journal::Begun;
use crate::package;
use host::deadline::Deadline;
use host::{files, systemd};
use node::containerd::service::UNIT;
use std::path::Path;

/// The kubelet stops before its runtime does, so that it sees no half of anything; pods keep running in their shims.
pub fn stop_kubelet(begun: &Begun, deadline: &Deadline) -> anyhow::Result<()> {
    if begun.kubelet { systemd::stop("kubelet.service", deadline) } else { Ok(()) }
}

/// The kubelet, and then containerd.
pub fn stop(begun: &Begun, deadline: &Deadline) -> anyhow::Result<()> {
    stop_kubelet(begun, deadline)?;
    systemd::stop(UNIT, deadline)
}

/// Configuration first: a package's script starts the service when dpkg is done.
pub fn forward(begun: &Begun, deadline: &Deadline) -> anyhow::Result<()> {
    for file in &begun.config {
        write(file, Some(&file.after))?;
    }
    package::install(&begun.new_debs, deadline)?;
    for placed in &begun.placed {
        files::make_dir(placed.path.parent().unwrap_or(Path::new("/")), 0o755)?;
        copies::copy_to(&placed.new, &placed.path)?;
        files::make_executable(&placed.path)?;
    }
    if let Some((path, text)) = &begun.drop_in {
        files::make_dir(path.parent().unwrap_or(Path::new("/")), 0o755)?;
        files::write_atomic(path, text.as_bytes(), 0o644)?;
    }
    package::hold(&begun.held, deadline)?;
    systemd::daemon_reload(deadline)
}

/// Everything as it was.
pub fn back(begun: &Begun, deadline: &Deadline) -> anyhow::Result<()> {
    for file in &begun.config {
        write(file, file.before.as_deref())?;
    }
    if let Some((path, _)) = &begun.drop_in {
        files::delete_file(path)?;
        files::delete_empty_dir(path.parent().unwrap_or(Path::new("/")))?;
    }
    for placed in &begun.placed {
        match &placed.old {
            Some(old) => copies::copy_to(old, &placed.path)?,
            None => files::delete_file(&placed.path).map(drop)?,
        }
    }
    package::install(&begun.old_debs, deadline)?;
    package::hold(&begun.held, deadline)?;
    systemd::daemon_reload(deadline)
}

fn write(file: &FileChange, text: Option<&str>) -> anyhow::Result<()> {
    match text {
        Some(text) => {
            files::make_dir(file.path.parent().unwrap_or(Path::new("/")), 0o755)?;
            files::write_atomic(&file.path, text.as_bytes(), file.mode)
        }
        None => files::delete_file(&file.path).map(drop),
    }
}
