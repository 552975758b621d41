//! The kernel's mount table: understood whole or refused, and what was understood can be written back.

use crate::Check;
use host::mounts::{self, Mount};
use std::collections::HashSet;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Mount points may hold any byte but NUL and are chosen by whoever may mount, also in a user namespace.
pub static CHECK: Check = Check {
    name: "mountinfo",
    run,
    seed_dirs: &["tests/fuzz/seeds/mountinfo"],
    seeds: &[
        b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
          23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n\
          40 22 0:30 /@home /home\\040of\\011all rw master:1 propagate_from:2 unbindable - btrfs /dev/sdb rw,subvol=/@home\n",
        b"100 22 0:40 / /var/lib/kubelet/pods/p1/volumes/kubernetes.io~nfs/m rw - nfs4 10.0.0.1:/srv/a\\134b rw,addr=10.0.0.1\n\
          101 100 0:41 / /var/lib/kubelet/pods/p1 rw - tmpfs tmpfs rw\n102 102 0:41 / /x ro - fuse.sshfs h:/ rw\n",
    ],
    words: &[" - ", "shared:", "master:", "unbindable", "\\040", "\\134", "\\012", "/var/lib/kubelet", "18446744073709551616"],
};

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let Ok(table) = mounts::parse(data) else { return };
    let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
    assert_eq!(table.len(), lines, "a mount was left out: who does not know it deletes through it");
    let written: Vec<u8> = table.iter().flat_map(line).collect();
    assert_eq!(mounts::parse(&written).ok().as_ref(), Some(&table), "written back it is another table");
    let ids: HashSet<_> = table.iter().map(|mount| mount.id).collect();
    for path in ["/", "/var/lib/kubelet", ""].map(Path::new) {
        let below = mounts::below(&table, path);
        assert!(below.iter().all(|m| m.point != path && m.point.starts_with(path)), "{path:?}: {below:?}");
        if ids.len() == table.len() {
            in_order(&table, &below);
        }
        mounts::containing(&table, path);
    }
}

/// Children come before what they are mounted on, unless a made-up table has a ring, be it over mounts that are not below.
fn in_order(table: &[Mount], below: &[&Mount]) {
    for (at, mount) in below.iter().enumerate() {
        let parent = below.iter().position(|other| other.id == mount.parent && other.id != mount.id);
        let ring = has_ring(table, mount);
        assert!(ring || parent.is_none_or(|parent| parent > at), "{mount:?} after its parent: {below:?}");
    }
}

/// Whether the way up from a mount comes by one mount twice. The root may be mounted on itself.
fn has_ring(table: &[Mount], mount: &Mount) -> bool {
    let mut seen = HashSet::new();
    let mut now = Some(mount);
    while let Some(mount) = now {
        if !seen.insert(mount.id) {
            return true;
        }
        now = table.iter().find(|other| other.id == mount.parent && other.id != mount.id);
    }
    false
}

/// As the kernel prints it (fs/proc_namespace.c, show_mountinfo).
fn line(mount: &Mount) -> Vec<u8> {
    let mut tags = String::new();
    let _ = mount.propagation.shared.map(|group| write!(tags, "shared:{group} "));
    let _ = mount.propagation.master.map(|group| write!(tags, "master:{group} "));
    tags.push_str(if mount.propagation.unbindable { "unbindable " } else { "" });
    let escape = |bytes: &[u8]| -> Vec<u8> {
        let one = |byte: &u8| match byte {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
            other => vec![*other],
        };
        bytes.iter().flat_map(one).collect()
    };
    let (major, minor) = mount.device;
    let head = format!("{} {} {major}:{minor}", mount.id, mount.parent).into_bytes();
    let fields = [
        head,
        escape(mount.root.as_os_str().as_bytes()),
        escape(mount.point.as_os_str().as_bytes()),
        format!("{} {tags}-", mount.options).into_bytes(),
        escape(mount.fs_type.as_bytes()),
        escape(mount.source.as_bytes()),
        mount.super_options.as_bytes().to_vec(),
    ];
    [fields.join(&b' '), b"\n".to_vec()].concat()
}
