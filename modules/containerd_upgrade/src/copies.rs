//! The copies: of what comes, so that an interrupted run can go on without its source, and of what was, for the way back.

use crate::journal::{Begun, COPIES, Placed};
use crate::package;
use crate::plan::Upgrade;
use anyhow::Context as _;
use host::deadline::Deadline;
use host::files;
use std::path::{Path, PathBuf};

/// Makes them in place of those of an earlier upgrade.
pub fn make(upgrade: &Upgrade, begun: &mut Begun, deadline: &Deadline) -> anyhow::Result<()> {
    let root = Path::new(COPIES);
    files::make_dir("/var/lib/kubejoin", 0o700)?;
    clear()?;
    for directory in ["old", "new"] {
        files::make_dir(root.join(directory), 0o700)?;
    }
    for (name, file) in &upgrade.debs {
        let copy = root.join("new").join(format!("{name}.deb"));
        copy_to(file, &copy)?;
        begun.new_debs.push(copy);
        begun.old_debs.push(package::repack(name, &root.join("old"), deadline)?);
    }
    for (path, file) in &upgrade.programs {
        let name = path.file_name().unwrap_or_default();
        let new = root.join("new").join(name);
        copy_to(file, &new)?;
        let old = root.join("old").join(name);
        let there = path.exists();
        if there {
            copy_to(path, &old)?;
        }
        begun.placed.push(Placed { path: path.clone(), new, old: there.then_some(old) });
    }
    Ok(())
}

/// Takes the new ones' copies away when all is done; the old ones stay.
pub fn done() -> anyhow::Result<()> {
    remove(&Path::new(COPIES).join("new"))
}

fn clear() -> anyhow::Result<()> {
    remove(Path::new(COPIES))
}

/// Only what this module has made lies below it, and no link is followed.
#[allow(clippy::disallowed_methods, reason = "a directory of ours alone, below a directory that only root may enter")]
fn remove(directory: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("deleting the copies in {}", directory.display()))
        }
        _ => Ok(()),
    }
}

/// The metadata database, once containerd is stopped; the record of the first time stays.
pub fn database(begun: &Begun) -> anyhow::Result<()> {
    let (Some(database), copy) = (&begun.database, record()) else { return Ok(()) };
    if database.exists() && !copy.exists() {
        copy_to(database, &copy)?;
    }
    Ok(())
}

/// Where the record of the metadata database lies.
pub fn record() -> PathBuf {
    Path::new(COPIES).join("old/meta.db")
}

/// A copy that is whole or not there; mode and times of a program's file are not its business.
pub fn copy_to(from: &Path, to: &Path) -> anyhow::Result<()> {
    let read = files::read_optional(from)?;
    let bytes = read.with_context(|| format!("copying {}: it is not there", from.display()))?;
    files::write_atomic(to, &bytes, files::mode_or(from, 0o644))
}
