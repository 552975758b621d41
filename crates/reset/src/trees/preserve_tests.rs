//! Under, over, beside, and the same place under another name.

use super::*;
use host::mounts::parse;
use std::os::unix::fs::symlink;

const TABLE: &str = "1 1 8:1 / / rw - ext4 /dev/sda rw\n";

fn said(table: &str, preserved: &str) -> String {
    let table = parse(table.as_bytes()).unwrap();
    let targets = ["/var/lib/kubelet", "/var/lib/containerd"].map(PathBuf::from);
    let index = Index::of(&table);
    Targets::of(&index, &targets).conflict(Path::new(preserved)).unwrap_or_default()
}

#[test]
fn under_over_and_apart() {
    assert_eq!(said(TABLE, "/srv/media"), "");
    assert_eq!(said(TABLE, "/var/lib/kubelet-media"), "");
    assert!(said(TABLE, "/var/lib/kubelet/pods/x").contains("lies in /var/lib/kubelet"));
    assert!(said(TABLE, "/var/lib/kubelet").contains("lies in"));
    assert!(said(TABLE, "/var").contains("contains /var/lib/kubelet"));
    assert!(said(TABLE, "/").contains("contains"));
}

#[test]
fn bind_mounts_in_either_direction_are_seen_through() {
    let bound = format!("{TABLE}2 1 8:1 /var/lib/kubelet/media /srv/media rw - ext4 /dev/sda rw\n");
    assert!(said(&bound, "/srv/media").contains("is another view of /var/lib/kubelet"));
    let bound = format!("{TABLE}2 1 8:1 /srv/media/containerd /var/lib/containerd rw - ext4 /dev/sda rw\n");
    assert!(said(&bound, "/srv/media").contains("is another view of /var/lib/containerd"));
    let below = format!("{TABLE}2 1 8:1 /var/lib/kubelet/x /srv/media/films rw - ext4 /dev/sda rw\n");
    assert!(said(&below, "/srv/media").contains("has a mount at /srv/media/films that shows /var/lib/kubelet"));
    let volume = format!("{TABLE}2 1 8:1 /srv/media /var/lib/kubelet/pods/p/v rw - ext4 /dev/sda rw\n");
    assert_eq!(said(&volume, "/srv/media"), "", "a preserved directory mounted into a pod is only unmounted");
}

#[test]
fn own_partitions_with_the_same_inner_path_are_apart() {
    let table =
        format!("{TABLE}2 1 8:2 / /srv/media rw - ext4 /dev/sdb rw\n3 1 8:3 / /var/lib/kubelet rw - xfs /dev/sdc rw\n");
    assert_eq!(said(&table, "/srv/media"), "");
}

#[test]
fn links_are_followed_even_where_they_dangle() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    symlink("/var/lib/kubelet/gone", base.join("media")).unwrap();
    symlink("media", base.join("again")).unwrap();
    symlink("ring", base.join("ring")).unwrap();
    let table = parse(TABLE.as_bytes()).unwrap();
    let index = Index::of(&table);
    assert_eq!(resolve(&index, &base.join("again/x")), Path::new("/var/lib/kubelet/gone/x"));
    assert_eq!(resolve(&index, &base.join("ring")), base.join("ring"));
    assert!(said(TABLE, base.join("again").to_str().unwrap()).contains("lies in /var/lib/kubelet"));
}

#[test]
fn a_link_inside_of_a_preserved_tree_that_leads_into_a_target_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let base = dir.path().canonicalize().unwrap();
    symlink("/var/lib/kubelet/films", base.join("films")).unwrap();
    symlink("/srv/elsewhere", base.join("other")).unwrap();
    let table = parse(TABLE.as_bytes()).unwrap();
    let (index, targets) = (Index::of(&table), [PathBuf::from("/var/lib/kubelet")]);
    let targets = Targets::of(&index, &targets);
    let said = targets.linked(&base, &[base.join("other"), base.join("films")]).unwrap();
    assert!(said.contains("films that leads to /var/lib/kubelet/films, in /var/lib/kubelet"), "{said}");
    assert_eq!(targets.linked(&base, &[base.join("other")]), None);
}
