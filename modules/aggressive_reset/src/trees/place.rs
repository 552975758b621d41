//! Whether a target is what its name says, before anything in it is looked at or deleted.
//!
//! A target may be a mount of its own: a partition, a volume. It may also be a bind mount of a directory that people know
//! under another name, /home for one, and emptying the target would empty that. Told apart by whether the same directory
//! of the same file system can be reached by another path, and whether that path is about the same thing
//! (/data/kubelet mounted at /var/lib/kubelet is; /home mounted there is not).

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{self, Mount, containing, exactly_at};
use host::remove::{self, What};

use crate::trees::targets::Target;

/// How long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What is at a target's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Nothing.
    Nothing,
    /// What the name says.
    Own,
    /// Something else, in words that follow the path.
    Elsewhere(String),
}

/// Looks at a target from outside.
pub fn judge(target: &Target, table: &[Mount], deadline: &Deadline) -> Result<Place> {
    let path = &target.path;
    if let Some(mount) = containing(table, path).filter(|mount| !mounts::answers(mount, &deadline.at_most(ANSWER))) {
        return Ok(Place::Elsewhere(format!(
            "is on {} at {}, which does not answer",
            mount.fs_type,
            mount.point.display()
        )));
    }
    // A file's name may be a link: then the link goes. Its directory must be none.
    let plain = match (target.what, path.parent()) {
        (What::Tree, Some(parent)) => remove::is_plain(parent)?,
        _ => remove::is_plain(path)?,
    };
    match plain {
        None => return Ok(Place::Nothing),
        Some(false) => {
            return Ok(Place::Elsewhere(
                "leads elsewhere through a symbolic link, where somebody's data may be".to_owned(),
            ));
        }
        Some(true) if std::fs::symlink_metadata(path).is_err() => return Ok(Place::Nothing),
        Some(true) => {}
    }
    Ok(match other_name(table, path) {
        Some(other) => Place::Elsewhere(format!("is another view of {}, which is not Kubernetes'", other.display())),
        None => Place::Own,
    })
}

/// Another path to the directory mounted at `path`, unless that is named after the same thing.
fn other_name(table: &[Mount], path: &Path) -> Option<PathBuf> {
    let mount = exactly_at(table, path)?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    let others = table.iter().filter(|other| other.id != mount.id && other.device == mount.device);
    let reached = others.filter_map(|other| {
        let inside = mount.root.strip_prefix(&other.root).ok()?;
        // Joining nothing would add a slash.
        let place: PathBuf = other.point.iter().chain(inside.iter()).collect();
        // Not where a later mount hides it, and something else is seen.
        containing(table, &place).is_some_and(|seen| seen.id == other.id).then_some(place)
    });
    let is_about_it = |place: &Path| place.file_name().is_some_and(|last| last.to_string_lossy().contains(&name));
    reached.filter(|place| !place.starts_with(path)).find(|place| !is_about_it(place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::mounts::parse;

    fn named(extra: &str) -> Option<PathBuf> {
        let table = format!("1 1 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:2 / /data rw - ext4 /dev/sdb rw\n{extra}");
        other_name(&parse(table.as_bytes()).unwrap(), Path::new("/var/lib/kubelet"))
    }

    #[test]
    fn a_partition_a_volume_and_the_kubelets_own_bind_are_its_own() {
        assert_eq!(named(""), None);
        assert_eq!(named("3 1 8:3 / /var/lib/kubelet rw - ext4 /dev/sdc rw\n"), None);
        assert_eq!(named("3 1 254:0 /volumes/data /var/lib/kubelet rw - ext4 /dev/vda rw\n"), None);
        assert_eq!(named("3 1 8:1 /var/lib/kubelet /var/lib/kubelet rw shared:1 - ext4 /dev/sda rw\n"), None);
        assert_eq!(named("3 1 8:2 /kubelet /var/lib/kubelet rw - ext4 /dev/sdb rw\n"), None);
    }

    #[test]
    fn somebody_elses_directory_mounted_there_is_seen() {
        let home = named("3 1 8:1 /home /var/lib/kubelet rw - ext4 /dev/sda rw\n");
        assert_eq!(home.unwrap(), Path::new("/home"));
        let root = named("3 1 8:1 / /var/lib/kubelet rw - ext4 /dev/sda rw\n");
        assert_eq!(root.unwrap(), Path::new("/"));
        let data = named("3 1 8:2 /photos /var/lib/kubelet rw - ext4 /dev/sdb rw\n");
        assert_eq!(data.unwrap(), Path::new("/data/photos"));
    }
}
