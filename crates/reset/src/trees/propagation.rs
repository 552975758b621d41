//! What else an unmount takes away: unmounting something whose parent mount shares its events unmounts it at the parent's
//! peers and slaves, too (mount_namespaces(7)). Seen before, from the peer groups in the mount table.

use std::path::{Path, PathBuf};

use host::mounts::{Index, Mount};

use super::users::Seen;

/// Mounts outside of every target that would go with these.
pub fn reaches(index: &Index<'_>, going: &[Mount], targets: &[PathBuf]) -> Vec<Seen> {
    let outside = |path: &Path| !targets.iter().any(|target| path.starts_with(target));
    let mut all = Vec::new();
    for mount in going {
        let Some(parent) = index.by_id(mount.parent) else { continue };
        // What carries others and goes itself is made private first.
        if going.iter().any(|other| other.id == parent.id) {
            continue;
        }
        let Some(group) = parent.propagation.shared else { continue };
        let Ok(inside) = mount.point.strip_prefix(&parent.point) else { continue };
        let inside = parent.root.join(inside);
        let receives = |other: &&Mount| {
            other.id != parent.id && [other.propagation.shared, other.propagation.master].contains(&Some(group))
        };
        for peer in index.table().iter().filter(receives) {
            let Ok(rest) = inside.strip_prefix(&peer.root) else { continue };
            let place: PathBuf = peer.point.iter().chain(rest.iter()).collect();
            let copy = index.table().iter().find(|copy| copy.parent == peer.id && copy.point == place);
            if copy.is_some() && outside(&place) {
                let (one, other, place) = (parent.point.display(), peer.point.display(), place.display());
                let point = mount.point.display();
                let what = format!(
                    "unmounting {point} would unmount {place} as well, because {one} and {other} share mount events"
                );
                all.push(Seen { what, end: format!("mount --make-private {other}") });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reached(lines: &str) -> Vec<String> {
        let table = host::mounts::parse(lines.as_bytes()).unwrap();
        let targets = [PathBuf::from("/var/lib/kubelet")];
        let index = Index::of(&table);
        let going: Vec<Mount> = index.below(&targets[0]).into_iter().cloned().collect();
        reaches(&index, &going, &targets).into_iter().map(|seen| seen.what).collect()
    }

    #[test]
    fn a_copy_at_a_peer_or_a_slave_outside_is_seen_and_one_at_a_private_mount_is_not() {
        let table = |group: &str| {
            format!(
                "1 1 8:1 / / rw shared:1 - ext4 a rw\n2 1 8:1 /var/lib/kubelet/pods /srv rw {group} - ext4 a rw\n\
                 3 1 0:9 / /var/lib/kubelet/pods/v rw - tmpfs t rw\n4 2 0:9 / /srv/v rw - tmpfs t rw\n"
            )
        };
        for group in ["shared:1", "master:1"] {
            let said = reached(&table(group));
            assert!(said.len() == 1 && said[0].contains("/var/lib/kubelet/pods/v would unmount /srv/v"), "{said:?}");
        }
        assert!(reached(&table("shared:2")).is_empty() && reached(&table("")).is_empty());
    }
}
