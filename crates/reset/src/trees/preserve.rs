//! What must not change: where a preserved path really is, and whether that is apart from everything that is deleted.
//!
//! A name says little. /srv/media may be a link into a target, a bind mount of a directory in one, a loop device on a file
//! in one, or the other way round. So paths are resolved, and then compared a second time as places: a directory of a
//! file system, wherever it is mounted.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use host::mounts::{Index, Mount};

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
    pub fn of(index: &Index<'_>, path: &Path) -> Option<Self> {
        let mount = index.containing(path)?;
        let inside = path.strip_prefix(&mount.point).ok()?;
        Some(Self { device: mount.device, path: mount.root.join(inside) })
    }

    /// Whether a mount shows it, a part of it, or what it is a part of.
    pub fn is_shown_by(&self, mount: &Mount) -> bool {
        self.touches(&Self { device: mount.device, path: mount.root.clone() })
    }

    fn touches(&self, other: &Self) -> bool {
        self.device == other.device && overlap(&self.path, &other.path)
    }
}

/// Where `path` leads when every link in it is followed; what does not exist is taken as it is written.
///
/// A mount point of a file system that may not answer is not looked into: it cannot be a link.
pub fn resolve(index: &Index<'_>, path: &Path) -> PathBuf {
    let mut todo: VecDeque<OsString> = parts(path);
    let (mut here, mut links) = (PathBuf::from("/"), 0);
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            here.pop();
            continue;
        }
        here.push(&name);
        if index.exactly_at(&here).is_some() || below_silent(index, &here) {
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

fn below_silent(index: &Index<'_>, path: &Path) -> bool {
    // An automount must not be set off by our looking: it may be a dead server's.
    index.containing(path).is_some_and(|mount| mount.may_hang() || mount.fs_type == "autofs")
}

/// The targets as paths and as places, made ready for many preserved paths.
pub struct Targets<'a> {
    index: &'a Index<'a>,
    places: Vec<(&'a Path, Option<Place>)>,
}

impl<'a> Targets<'a> {
    /// Of these paths.
    pub fn of(index: &'a Index<'a>, paths: &'a [PathBuf]) -> Self {
        let places = paths.iter().map(|path| (path.as_path(), Place::of(index, path)));
        Self { index, places: places.collect() }
    }

    /// Why `preserved` is not safe from the deletion of the targets, in words; nothing when it is.
    pub fn conflict(&self, preserved: &Path) -> Option<String> {
        let real = resolve(self.index, preserved);
        let said = |target: &Path, how: &str| Some(said(preserved, &real, how, target));
        let own = Place::of(self.index, &real);
        let below = self.index.below(&real);
        for (target, place) in &self.places {
            if [preserved, &real].iter().any(|path| path.starts_with(target)) {
                return said(target, "lies in");
            }
            if [preserved, &real].iter().any(|path| target.starts_with(path)) {
                return said(target, "contains");
            }
            let Some(place) = place else { continue };
            if own.as_ref().is_some_and(|own| own.touches(place)) {
                return said(target, "is another view of");
            }
            // Mounts in the preserved tree show other places.
            if let Some(mount) = below.iter().find(|mount| place.is_shown_by(mount)) {
                return said(target, &format!("has a mount at {} that shows", mount.point.display()));
            }
        }
        None
    }

    /// The same for links inside of a preserved tree: what they lead to is as dear as what lies beside them.
    pub fn linked(&self, preserved: &Path, links: &[PathBuf]) -> Option<String> {
        links.iter().find_map(|link| {
            let real = resolve(self.index, link);
            let (target, _) = self.places.iter().find(|(target, _)| real.starts_with(target))?;
            let how = format!("has a link at {} that leads to {}, in", link.display(), real.display());
            Some(said(preserved, preserved, &how, target))
        })
    }
}

/// One conflict, in words.
pub fn said(preserved: &Path, real: &Path, how: &str, target: &Path) -> String {
    let shown = if real == preserved {
        preserved.display().to_string()
    } else {
        format!("{} (which is {})", preserved.display(), real.display())
    };
    format!("preserved path {shown} {how} {}, which would be deleted", target.display())
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

#[cfg(test)]
#[path = "preserve_tests.rs"]
mod tests;
