//! File systems that Kubernetes writes to, mounts that may hang, and what is mounted below Kubernetes' directories.

use super::{Missed, patiently_all};
use crate::args::Args;
use host::mounts::{self, Mount};
use host::space::{self, Space};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where Kubernetes writes, and what for.
const PLACES: [(&str, &str); 6] = [
    ("/", "the system"),
    ("/etc", "configuration"),
    ("/run", "state until the next boot"),
    ("/var/lib/kubelet", "pods' volumes"),
    ("/var/lib/containerd", "images"),
    ("/var/log", "logs"),
];

/// What was seen of disks and mounts.
#[derive(Debug, Default)]
pub struct Storage {
    /// One for each place, each with the mount it lies on.
    pub filesystems: Vec<Filesystem>,
    /// Mounts whose server does not answer, as "point (type from source)".
    pub hanging: Vec<String>,
    /// The kernel has, or can load, the overlay file system.
    pub overlay: bool,
    /// Mounts below /var/lib/kubelet.
    pub below_kubelet: Vec<String>,
    /// What is mounted at or below a protected directory, and where else the same file system is visible.
    pub protected: Vec<String>,
}

/// One place Kubernetes writes to.
#[derive(Debug, Clone)]
pub struct Filesystem {
    /// The directory.
    pub path: String,
    /// What Kubernetes keeps there.
    pub purpose: &'static str,
    /// Where its file system is mounted.
    pub point: String,
    /// The mount's options.
    pub options: String,
    /// The file system's type by its mount.
    pub kind: String,
    /// Its space, or why that could not be asked for.
    pub space: Result<Space, String>,
}

/// Looks. `root` is where containerd keeps images, by its own word.
pub fn observe(args: &Args, root: Option<&str>, missed: &mut Missed) -> Storage {
    let table = missed.or_default("the mount table", mounts::table());
    let mut places: Vec<(PathBuf, &'static str)> = PLACES.iter().map(|(p, why)| (PathBuf::from(p), *why)).collect();
    if let Some(root) = root.filter(|root| *root != "/var/lib/containerd") {
        places.push((root.into(), "images"));
    }
    let suspects: Vec<&Mount> = table.iter().filter(|m| m.may_hang()).collect();
    // All at once: ten dead servers are given up as soon as one.
    let points = suspects.iter().map(|m| m.point.clone());
    let all: Vec<PathBuf> = places.iter().map(|(p, _)| p.clone()).chain(args.protected.clone()).chain(points).collect();
    let mut answers = patiently_all(all, space::of).into_iter();
    let mut next = || answers.next().flatten();
    let filesystems = places.iter().filter_map(|(path, why)| filesystem(path, why, &table, next())).collect();
    let protected = args.protected.iter().flat_map(|path| protected(path, &table, next())).collect();
    let hanging = suspects.iter().filter_map(|mount| hanging(mount, next())).collect();
    let below_kubelet = points_of(&mounts::below(&table, Path::new("/var/lib/kubelet")));
    Storage { filesystems, hanging, overlay: knows_overlay(), below_kubelet, protected }
}

/// A file system's answer; none when it gives none.
type Answer = Option<anyhow::Result<Space>>;

fn filesystem(path: &Path, purpose: &'static str, table: &[Mount], answer: Answer) -> Option<Filesystem> {
    let mount = mounts::containing(table, path);
    let text = |f: fn(&Mount) -> String| mount.map(f).unwrap_or_default();
    let space = match answer {
        Some(Err(e)) if errno(&e) == Some(Errno::NOENT) => return None,
        Some(space) => space.map_err(|e| format!("{e:#}")),
        None => Err("it does not answer".to_owned()),
    };
    Some(Filesystem {
        path: path.display().to_string(),
        purpose,
        point: text(|m| m.point.display().to_string()),
        options: text(|m| format!("{},{}", m.options, m.super_options.to_string_lossy())),
        kind: text(|m| m.fs_type.clone()),
        space,
    })
}

fn errno(error: &anyhow::Error) -> Option<Errno> {
    error.root_cause().downcast_ref::<Errno>().copied()
}

/// Silence, or the words of a server or daemon that is gone. Anything else, such as a refusal to let root in, is life.
fn hanging(mount: &Mount, answer: Answer) -> Option<String> {
    match answer {
        None => Some(format!("{} does not answer", describe(mount))),
        Some(Ok(_)) => None,
        Some(Err(e)) => {
            let gone = [Errno::NOTCONN, Errno::STALE, Errno::IO, Errno::HOSTDOWN, Errno::TIMEDOUT, Errno::HOSTUNREACH];
            let gone = errno(&e).filter(|e| gone.contains(e))?;
            Some(format!("{}: {gone}", describe(mount)))
        }
    }
}

fn describe(mount: &Mount) -> String {
    format!("{} ({} from {})", mount.point.display(), mount.fs_type, mount.source.to_string_lossy())
}

fn points_of(mounts: &[&Mount]) -> Vec<String> {
    mounts.iter().map(|m| describe(m)).collect()
}

/// The mount a protected directory lies on, and every other place that shows the same file system's same directory: a
/// bind mount of it below Kubernetes' directories is what a careless reset deletes through.
fn protected(path: &Path, table: &[Mount], answer: Answer) -> Vec<String> {
    if matches!(&answer, Some(Err(e)) if errno(e) == Some(Errno::NOENT)) {
        return Vec::new();
    }
    let Some(own) = mounts::containing(table, path) else { return Vec::new() };
    let inside = own.root.join(path.strip_prefix(&own.point).unwrap_or(Path::new("")));
    let shown: BTreeSet<String> = table
        .iter()
        .filter(|m| m.device == own.device && m.id != own.id && m.root.starts_with(&inside))
        .map(|m| m.point.display().to_string())
        .collect();
    let elsewhere = if shown.is_empty() {
        String::new()
    } else {
        format!(", also visible at {}", shown.into_iter().collect::<Vec<_>>().join(", "))
    };
    vec![format!("{} lies on {}{elsewhere}", path.display(), describe(own))]
}

/// In /proc/filesystems, or a module that can be loaded.
fn knows_overlay() -> bool {
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    if known.lines().any(|l| l.split_whitespace().next_back() == Some("overlay")) {
        return true;
    }
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let list = format!("/lib/modules/{}/modules.dep", release.trim());
    std::fs::read_to_string(list).is_ok_and(|text| text.contains("/overlay.ko"))
}
