//! What must not change: where a preserved path really is, and whether that is apart from everything that is deleted.
//!
//! A name says little. /srv/media may be a link into a target, a bind mount of a directory in one, a loop device on a file
//! in one, or the other way round. So paths are resolved, and then compared a second time as places: a directory of a
//! file system, wherever it is mounted.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use host::mounts::{Mount, below, containing, exactly_at};

/// More links than this in one path are a ring, for the kernel as well.
const MOST_LINKS: usize = 40;

/// A directory of a file system, whatever its path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file system.
    pub device: (u32, u32),
    /// The directory in it.
    pub path: PathBuf,
}

impl Place {
    /// Of what is at `path`.
    pub fn of(table: &[Mount], path: &Path) -> Option<Self> {
        let mount = containing(table, path)?;
        let inside = path.strip_prefix(&mount.point).ok()?;
        Some(Self { device: mount.device, path: mount.root.join(inside) })
    }

    fn touches(&self, other: &Self) -> bool {
        self.device == other.device && overlap(&self.path, &other.path)
    }
}

/// Where `path` leads when every link in it is followed; what does not exist is taken as it is written.
///
/// A mount point of a file system that may not answer is not looked into: it cannot be a link.
pub fn resolve(table: &[Mount], path: &Path) -> PathBuf {
    let mut todo: VecDeque<OsString> = parts(path);
    let (mut here, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        here.push(&name);
        if exactly_at(table, &here).is_some() || below_silent(table, &here) {
            continue;
        }
        if let Ok(target) = std::fs::read_link(&here) {
            links += 1;
            if links > MOST_LINKS {
                return here;
            }
            here.pop();
            if target.is_absolute() {
                here = PathBuf::from("/");
            }
            let mut rest = parts(&target);
            rest.extend(std::mem::take(&mut todo));
            todo = rest;
        }
    }
    here
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

fn below_silent(table: &[Mount], path: &Path) -> bool {
    containing(table, path).is_some_and(Mount::may_hang)
}

/// Why `preserved` is not safe from the deletion of `targets`, in words; nothing when it is.
pub fn conflict(table: &[Mount], preserved: &Path, targets: &[PathBuf]) -> Option<String> {
    let real = resolve(table, preserved);
    let shown = if real == preserved {
        preserved.display().to_string()
    } else {
        format!("{} (which is {})", preserved.display(), real.display())
    };
    for target in targets {
        let said =
            |how: &str| Some(format!("preserved path {shown} {how} {}, which would be deleted", target.display()));
        if [preserved, &real].iter().any(|path| path.starts_with(target)) {
            return said("lies in");
        }
        if [preserved, &real].iter().any(|path| target.starts_with(path)) {
            return said("contains");
        }
        let Some(place) = Place::of(table, target) else { continue };
        if Place::of(table, &real).is_some_and(|own| own.touches(&place)) {
            return said("is another view of");
        }
        // Mounts in the preserved tree show other places.
        let shows = |mount: &&Mount| Place { device: mount.device, path: mount.root.clone() }.touches(&place);
        if let Some(mount) = below(table, &real).into_iter().find(shows) {
            return said(&format!("has a mount at {} that shows", mount.point.display()));
        }
        let inside = below(table, &real).into_iter().chain(containing(table, &real));
        if let Some(file) = inside.flat_map(made_of).find(|file| file.starts_with(target)) {
            return said(&format!("is made of {} in", file.display()));
        }
    }
    None
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// Files and directories that a file system is made of: the file behind a loop device, the layers of an overlay.
pub fn made_of(mount: &Mount) -> Vec<PathBuf> {
    if mount.fs_type == "overlay" {
        let options = mount.super_options.as_bytes().split(|&byte| byte == b',');
        return options
            .filter_map(|option| {
                let (name, value) = option.split_at(option.iter().position(|&byte| byte == b'=')?);
                matches!(name, b"lowerdir" | b"upperdir" | b"workdir").then_some(&value[1..])
            })
            .flat_map(|value| value.split(|&byte| byte == b':'))
            .map(|layer| PathBuf::from(OsStr::from_bytes(layer)))
            .collect();
    }
    let device = Path::new(&mount.source);
    let Some(name) = device.strip_prefix("/dev").ok().filter(|name| name.as_os_str().as_bytes().starts_with(b"loop"))
    else {
        return Vec::new();
    };
    let backing = std::fs::read(Path::new("/sys/block").join(name).join("loop/backing_file")).unwrap_or_default();
    vec![PathBuf::from(OsStr::from_bytes(backing.trim_ascii_end()))]
}

#[cfg(test)]
#[path = "preserve_tests.rs"]
mod tests;
