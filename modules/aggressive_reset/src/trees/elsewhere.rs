//! Who else sees a part of a target: a disk image in it that is mounted somewhere, the layers of an overlay, a directory
//! of it that is bound to another place. What is seen there is somebody's, and would be gone with the target's content.
//!
//! Only mounts outside of every target count, and only such as show less than the target: one that shows the whole of it,
//! or more (a rescue system's view of the root), shows a Kubernetes directory where people expect one.

use std::path::{Path, PathBuf};

use host::mounts::Mount;

use crate::trees::preserve::{Place, made_of};

/// Each such mount in words; the place is named as well as what it takes from the target.
pub fn users(table: &[Mount], target: &Path, targets: &[PathBuf]) -> Vec<String> {
    let outside = |mount: &&Mount| !targets.iter().any(|other| mount.point.starts_with(other));
    let place = Place::of(table, target);
    let shown = |mount: &Mount| -> Option<String> {
        if let Some(file) = made_of(mount).into_iter().find(|file| file.starts_with(target)) {
            return Some(format!("{} is made of {}", mount.point.display(), file.display()));
        }
        let place = place.as_ref()?;
        let part = mount.root.strip_prefix(&place.path).ok().filter(|_| mount.device == place.device)?;
        let is_part = !part.as_os_str().is_empty();
        is_part.then(|| format!("{} shows {}", mount.point.display(), target.join(part).display()))
    };
    table.iter().filter(outside).filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users_of(line: &str) -> Vec<String> {
        let table = format!("1 1 8:1 / / rw - ext4 /dev/sda rw\n{line}\n");
        let targets = ["/var/lib/kubelet", "/var/lib/containerd"].map(PathBuf::from);
        users(&host::mounts::parse(table.as_bytes()).unwrap(), &targets[0], &targets)
    }

    #[test]
    fn only_a_part_of_a_target_seen_outside_of_all_targets_is_somebodys() {
        let photos = users_of("2 1 8:1 /var/lib/kubelet/photos /home/photos rw - ext4 /dev/sda rw");
        assert_eq!(photos, ["/home/photos shows /var/lib/kubelet/photos"]);
        let overlay = users_of("2 1 0:9 / /mnt/x rw - overlay o rw,lowerdir=/usr:/var/lib/kubelet/l,upperdir=/u");
        assert_eq!(overlay, ["/mnt/x is made of /var/lib/kubelet/l"]);
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
