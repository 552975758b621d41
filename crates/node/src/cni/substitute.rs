//! What can stand in for a plugin that does not run.

use host::cni::PLUGIN_DIRS;
use host::cni::plugins::{self, Broken, Cause};
use host::deadline::Deadline;
use std::path::{Path, PathBuf};

/// flannel's own plugin, which its pod copies over whatever is there.
pub fn comes_with_flannel(broken: &Broken) -> bool {
    broken.plugin == "flannel" && is_damage(&broken.cause)
}

/// The same plugin in another usual directory, where it runs; only for a file that is damaged. A mount with noexec and a
/// version are somebody's decision.
pub fn substitute(broken: &Broken, versions: &[String], deadline: &Deadline) -> Option<PathBuf> {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let own = real(&broken.path);
    let others = PLUGIN_DIRS.iter().map(|dir| Path::new(dir).join(&broken.plugin));
    let mut others = others.filter(|path| path.is_file() && real(path) != own && is_damage(&broken.cause));
    others.find(|path| plugins::check(path, versions, deadline).is_ok())
}

fn is_damage(cause: &Cause) -> bool {
    !matches!(cause, Cause::NoExec | Cause::Version { .. })
}
