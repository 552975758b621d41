//! Whether what is mounted at a target is this node's own, of which the name and what lies in it say nothing: a backup of a
//! node looks like a node.
//!
//! Proved is what Kubernetes of this machine works in at this moment ([`footprint::paths::Sign`], by device and inode), what
//! an unfinished reset found proved before it stopped the kubelet, and, for a file system that has no other name here, one
//! that the machine itself mounts there: it has been mounted since the machine came up. Whatever somebody mounts by hand
//! later, a backup for one, is not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use footprint::paths::{Sign, signs};
use host::deadline::Deadline;
use host::mounts::{Index, Mount};
use host::remove::Identity;
use host::systemd;
use host::users::Work;

/// File names of [`Sign::Open`].
pub const OPEN: [&str; 2] = ["meta.db", "db"];

/// Directories proved to be this node's own, by path, with device and inode.
pub type Proved = BTreeMap<PathBuf, (u64, u64)>;

/// What proofs are made of.
pub struct Proofs<'a> {
    /// What Kubernetes' processes work in.
    pub work: &'a Work,
    /// What an unfinished reset had proved.
    pub earlier: &'a Proved,
    /// Whether there is a systemd to ask.
    pub booted: bool,
    /// For asking it.
    pub deadline: &'a Deadline,
}

impl Proofs<'_> {
    /// Whether Kubernetes works in `real`, which the list calls `listed` and which is on `mount`, or did so when an
    /// unfinished reset began.
    pub fn is_in_use(&self, listed: &Path, real: &Path, mount: &Mount, index: &Index<'_>) -> bool {
        let inside = real.strip_prefix(&mount.point).unwrap_or(Path::new(""));
        let holds = |sign: &Sign| match sign {
            Sign::Watched(name) => self.work.watches(&real.join(name), mount),
            Sign::Open(name) => self.work.has_open(&real.join(name)),
            Sign::Seen(name) => self.work.sees_in(mount, &inside.join(name)),
            Sign::Carries(name) => index.on(mount.id).iter().any(|other| other.point.starts_with(real.join(name))),
        };
        self.earlier.get(real).is_some_and(|was| identity(real) == Some(*was))
            || signs(&listed.to_string_lossy()).iter().any(holds)
    }

    /// Whether the only thing mounted there has been so since the machine came up: systemd keeps the time at which it saw each
    /// mount, and that at which the start was over. Cannot tell is no.
    pub fn is_of_the_machine(&self, point: &Path, index: &Index<'_>) -> bool {
        let one = index.table().iter().filter(|mount| mount.point == point).count() == 1;
        if !self.booted || !one {
            return false;
        }
        let time = |unit: &str, key: &str| -> Option<u64> {
            systemd::show(unit, &[key], self.deadline).ok()?.get(key)?.parse().ok().filter(|time| *time > 0)
        };
        let mounted = unit(point).and_then(|unit| time(&unit, "ActiveEnterTimestampMonotonic"));
        // The target of the boot; without it, it is not over.
        let up = time("basic.target", "ActiveEnterTimestampMonotonic");
        matches!((mounted, up), (Some(mounted), Some(up)) if mounted <= up)
    }
}

/// Device and inode of a directory.
pub fn identity(path: &Path) -> Option<(u64, u64)> {
    Identity::at(path).map(|identity| (identity.device, identity.inode))
}

/// The mount unit of a path, as systemd-escape(1) makes it. Nothing for what is not UTF-8.
fn unit(point: &Path) -> Option<String> {
    let text = point.to_str()?.trim_matches('/');
    let mut name = String::new();
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'/' => name.push('-'),
            b'.' if at == 0 => name.push_str("\\x2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b':' | b'_' | b'.' => name.push(byte.into()),
            _ => name.push_str(&format!("\\x{byte:02x}")),
        }
    }
    Some(name + ".mount")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_unit_is_named_as_systemd_escape_does() {
        assert_eq!(unit(Path::new("/var/lib/kubelet")).as_deref(), Some("var-lib-kubelet.mount"));
        assert_eq!(unit(Path::new("/data/my-disk/k b")).as_deref(), Some("data-my\\x2ddisk-k\\x20b.mount"));
    }
}
