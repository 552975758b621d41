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

/// Each in words; whoever sees it is named as well as what it is. `walked` is what a walk through the target met.
pub fn of(index: &Index<'_>, users: &Users, target: &Path, walked: &Removed, targets: &[PathBuf]) -> Vec<String> {
    let mut all = Vec::new();
    let place = Place::of(index, target);
    let part = |mount: &Mount| {
        let place = place.as_ref()?;
        let part = mount.root.strip_prefix(&place.path).ok().filter(|_| mount.device == place.device)?;
        (!part.as_os_str().is_empty()).then(|| target.join(part))
    };
    let outside = |mount: &&Mount| !targets.iter().any(|other| mount.point.starts_with(other));
    for mount in index.table().iter().filter(outside) {
        all.extend(part(mount).map(|part| format!("{} shows {}", mount.point.display(), part.display())));
    }
    for namespace in &users.namespaces {
        for mount in &namespace.table {
            let seen = part(mount)
                .map(|part| format!("{} sees {} at {}", namespace.by, part.display(), mount.point.display()));
            all.extend(seen);
        }
    }
    for (path, identity) in &walked.used {
        all.extend(users.files.get(identity).map(|used| format!("{} {}", used.by, path.display())));
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
        of(&Index::of(&table), &Users::default(), &targets[0], &Removed::default(), &targets)
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
