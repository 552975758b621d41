//! Who else sees a part of a target: a directory of it bound to another place, here or in another mount namespace; a disk
//! image in it that a loop device or a virtual machine has; the layers of an overlay; a swap file. What is seen there is
//! somebody's, and would be gone with the target's content.
//!
//! Only mounts outside of every target count, and only such as show less than the target: one that shows the whole of it,
//! or more (a rescue system's view of the root), shows a Kubernetes directory where people expect one.

use std::path::{Path, PathBuf};

use host::mounts::{Index, Mount};
use host::remove::Removed;
use host::users::Users;

use super::preserve::Place;

/// A part of a target that is somebody's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who has what: `/home/disk is made of /var/lib/kubelet/disk.img`.
    pub what: String,
    /// How to end that.
    pub end: String,
}

impl Seen {
    /// Why nothing may be touched.
    pub fn refusal(&self) -> String {
        format!("{}, which would be deleted; end that ({}), or move what is to be kept", self.what, self.end)
    }
}

/// Each of them. `walked` is what a walk through the target met; what stays of it is nobody's loss.
pub fn of(index: &Index<'_>, users: &Users, target: &Path, walked: &Removed, targets: &[PathBuf]) -> Vec<Seen> {
    let mut all = Vec::new();
    let place = Place::of(index, target);
    let part = |mount: &Mount| {
        let place = place.as_ref()?;
        let part = mount.root.strip_prefix(&place.path).ok().filter(|_| mount.device == place.device)?;
        let part = target.join(part);
        let stays = walked.unknown.iter().any(|unknown| part.starts_with(&unknown.path));
        (part != target && !stays).then_some(part)
    };
    let outside = |mount: &&Mount| !targets.iter().any(|other| mount.point.starts_with(other));
    for mount in index.table().iter().filter(outside) {
        let point = mount.point.display();
        let what = part(mount).map(|part| format!("{point} shows {}", part.display()));
        all.extend(what.map(|what| Seen { what, end: format!("umount {point}") }));
    }
    for namespace in &users.namespaces {
        for mount in &namespace.table {
            let (by, point) = (&namespace.by, mount.point.display());
            let what = part(mount).map(|part| format!("{by} sees {} at {point}", part.display()));
            all.extend(what.map(|what| Seen { what, end: format!("ending {by}") }));
        }
    }
    for (path, identity) in &walked.used {
        let seen =
            |used: &host::users::Use| Seen { what: format!("{} {}", used.by, path.display()), end: used.end.clone() };
        all.extend(users.files.get(identity).map(seen));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users_of(line: &str) -> Vec<String> {
        let table = format!("1 1 8:1 / / rw - ext4 /dev/sda rw\n{line}\n");
        let targets = ["/var/lib/kubelet", "/var/lib/containerd"].map(PathBuf::from);
        let table = host::mounts::parse(table.as_bytes()).unwrap();
        let seen = of(&Index::of(&table), &Users::default(), &targets[0], &Removed::default(), &targets);
        seen.into_iter().map(|seen| seen.what).collect()
    }

    #[test]
    fn only_a_part_of_a_target_seen_outside_of_all_targets_is_somebodys() {
        let photos = users_of("2 1 8:1 /var/lib/kubelet/photos /home/photos rw - ext4 /dev/sda rw");
        assert_eq!(photos, ["/home/photos shows /var/lib/kubelet/photos"]);
        for harmless in [
            "2 1 8:1 /var/lib/kubelet /data/kubelet rw - ext4 /dev/sda rw",
            "2 1 8:1 / /mnt/rescue rw - ext4 /dev/sda rw",
            "2 1 8:1 /var/lib/kubelet/pods /var/lib/containerd/x rw - ext4 /dev/sda rw",
            "2 1 8:2 /var/lib/kubelet/photos /home/photos rw - ext4 /dev/sdb rw",
        ] {
            assert_eq!(users_of(harmless), Vec::<String>::new(), "{harmless}");
        }
    }
}
