//! Whether a directory that is there may take what is for us alone: nobody else can write to it or put another in its
//! place. The rule is that of OpenSSH's StrictModes, with what Debian and Ubuntu ship taken into account: /var/log may
//! belong to a group, and in a sticky directory nobody can exchange another's entry.

use anyhow::ensure;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Fails with what is wrong about `path` or a directory above it.
pub(super) fn check(path: &Path) -> anyhow::Result<()> {
    let me = rustix::process::geteuid().as_raw();
    let trusted = |uid: u32| uid == 0 || uid == me;
    // Whose link it is decides where we write.
    for above in path.ancestors().filter(|above| !above.as_os_str().is_empty()) {
        let meta = fs::symlink_metadata(above)?;
        ensure!(!meta.is_symlink() || trusted(meta.uid()), "{} is a link of user {}", above.display(), meta.uid());
    }
    let real = fs::canonicalize(path)?;
    for above in real.ancestors() {
        let meta = fs::symlink_metadata(above)?;
        let (name, mode) = (above.display(), meta.mode());
        ensure!(trusted(meta.uid()), "{name} belongs to user {}: use one that is root's", meta.uid());
        let others = if above == real { 0o022 } else { 0o002 };
        let sticky = above != real && mode & 0o1000 != 0;
        ensure!(mode & others == 0 || sticky, "others may write to {name}: use another, or chmod go-w {name}");
    }
    Ok(())
}
