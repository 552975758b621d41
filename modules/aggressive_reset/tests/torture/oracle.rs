//! What is there, byte by byte: paths, kinds, modes, owners, times of change, link targets, contents. Nothing of the module's.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::subject::TARGETS;

/// Everything below some directories.
pub type World = BTreeMap<PathBuf, String>;

/// Directories outside of which nothing of the sandbox is.
const ROOTS: [&str; 6] = ["/srv", "/home", "/mnt", "/root", "/var", "/run"];
/// What the module may change besides its targets: its own state, and pods' network namespaces, which `ip netns` judges.
const OWN: [&str; 4] = ["/var/lib/kubejoin", "/run/kubejoin", "/var/backups", "/run/netns"];
/// Below these nothing is looked at: nobody answers there.
const SILENT: [&str; 3] = ["/srv/silent", "/var/lib/calico", "/var/lib/kubelet/pods/p1/volumes/dead"];

/// Everything in the sandbox except what lies below `without`.
pub fn look(without: &[&str]) -> World {
    let mut world = World::new();
    // What is mounted in a target is looked at where it comes from; the machine's own root may be among it.
    let mut closed = mounted_in_targets();
    closed.extend(SILENT.iter().map(PathBuf::from));
    for root in ROOTS {
        walk(Path::new(root), without, &closed, &mut world);
    }
    world
}

fn mounted_in_targets() -> BTreeSet<PathBuf> {
    // What some subjects do takes /proc away as well.
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let points =
        table.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(|field| {
            let mut name = Vec::new();
            let mut rest = field;
            while let Some((first, tail)) = rest.split_first() {
                let code = if *first == b'\\' { std::str::from_utf8(&tail[..3]).ok() } else { None };
                name.push(code.map_or(*first, |code| u8::from_str_radix(code, 8).unwrap()));
                rest = if code.is_some() { &tail[3..] } else { tail };
            }
            PathBuf::from(OsString::from_vec(name))
        });
    points.filter(|point| TARGETS.iter().any(|target| point.starts_with(target))).collect()
}

fn walk(root: &Path, without: &[&str], closed: &BTreeSet<PathBuf>, world: &mut World) {
    let mut todo = vec![root.to_owned()];
    while let Some(path) = todo.pop() {
        let inside = |list: &[&str]| list.iter().any(|other| path != Path::new(other) && path.starts_with(other));
        if inside(without) || inside(&OWN) || closed.contains(&path) {
            continue;
        }
        let Ok(meta) = path.symlink_metadata() else { continue };
        // A target's own time of change is the target's; everything else about it stays.
        let is_target = without.iter().chain(&OWN).any(|other| path == Path::new(other));
        let time = if is_target { 0 } else { meta.mtime_nsec() + meta.mtime() };
        let content = if meta.is_file() {
            let mut hasher = DefaultHasher::new();
            std::fs::read(&path).unwrap_or_default().hash(&mut hasher);
            format!("{} bytes {:x}", meta.len(), hasher.finish())
        } else if meta.is_symlink() {
            format!("-> {:?}", std::fs::read_link(&path).unwrap_or_default())
        } else {
            String::new()
        };
        if meta.is_dir() {
            todo.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
        world.insert(path, format!("{:o} {}:{} {time} {content}", meta.mode(), meta.uid(), meta.gid()));
    }
}

/// What is different, a line each; at most a few.
pub fn differences(before: &World, after: &World) -> Vec<String> {
    let gone = before.keys().filter(|path| !after.contains_key(*path)).map(|path| format!("gone: {path:?}"));
    let new = after.keys().filter(|path| !before.contains_key(*path)).map(|path| format!("new: {path:?}"));
    let changed = before.iter().filter_map(|(path, was)| {
        after.get(path).filter(|is| *is != was).map(|is| format!("changed: {path:?}: {was} -> {is}"))
    });
    gone.chain(changed).chain(new).collect()
}
