//! Network namespaces that pods left behind: named as containerd's CNI library names them (go-cni, `pkg/netns`: `cni-` and a
//! UUID), named by a cached result or by a sandbox, and used by nobody. `ip netns add cni-lab` is somebody's lab.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::files;
use host::mounts::Mount;

/// Where they are kept alive.
const DIRECTORY: &str = "/run/netns";

/// A namespace's mount, and the namespace that it showed: the same path may show another one later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deserted {
    /// Where it is mounted.
    pub path: PathBuf,
    /// `net:[4026532008]`: the namespace.
    pub namespace: PathBuf,
}

/// Those of pods that no process is in and that are mounted nowhere else.
pub fn deserted(mounts: &[Mount], of_pods: &BTreeSet<PathBuf>) -> Vec<Deserted> {
    let in_use = in_use();
    named(mounts)
        .filter(|mount| of_pods.contains(&mount.point))
        .filter(|mount| !in_use.contains(&mount.root))
        .filter(|mount| !mounts.iter().any(|other| other.root == mount.root && other.point != mount.point))
        .map(|mount| Deserted { path: mount.point.clone(), namespace: mount.root.clone() })
        .collect()
}

/// Those that look like a pod's and that nothing proves to be one.
pub fn unproved(mounts: &[Mount], of_pods: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let in_use = in_use();
    let unproved = named(mounts).filter(|mount| !of_pods.contains(&mount.point) && !in_use.contains(&mount.root));
    unproved.map(|mount| mount.point.clone()).collect()
}

fn named(mounts: &[Mount]) -> impl Iterator<Item = &Mount> {
    let is_named = |mount: &&Mount| {
        let name = mount.point.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        mount.fs_type == "nsfs"
            && mount.point.parent() == Some(Path::new(DIRECTORY))
            && name.strip_prefix("cni-").is_some_and(is_uuid)
    };
    mounts.iter().filter(is_named)
}

fn in_use() -> BTreeSet<PathBuf> {
    let names = files::names("/proc").unwrap_or_default().into_iter();
    names.filter_map(|name| std::fs::read_link(Path::new("/proc").join(name).join("ns/net")).ok()).collect()
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_namespace_that_a_pod_had_and_nobody_uses_is_deserted() {
        let uuid = "cni-11112222-3333-4444-5555-666677778888";
        let line = |point: &str, id: u32| format!("{id} 1 0:4 net:[{id}] {point} rw - nsfs nsfs rw\n");
        let text = line(&format!("/run/netns/{uuid}"), 7)
            + &line("/run/netns/cni-lab", 8)
            + &line("/run/netns/cni-11112222-3333-4444-5555-66667777888X", 9);
        let mounts = host::mounts::parse(text.as_bytes()).unwrap();
        let all: BTreeSet<PathBuf> = mounts.iter().map(|mount| mount.point.clone()).collect();
        assert_eq!(deserted(&mounts, &all).len(), 1);
        assert_eq!((deserted(&mounts, &BTreeSet::new()).len(), unproved(&mounts, &BTreeSet::new()).len()), (0, 1));
        let twice = host::mounts::parse((text + &line("/srv/ns", 7)).as_bytes()).unwrap();
        assert!(deserted(&twice, &all).is_empty(), "somebody else keeps it, too");
    }
}
