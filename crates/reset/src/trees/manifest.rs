//! A preserved tree before and after: nothing of it is gone, or the run has failed.
//!
//! Looked at are all entries (up to a limit): path, kind, mode, owner, size, time of change of content, inode. Of some files
//! the content is read, too. Access times are left as they are. Others may work in there meanwhile: what they add or write
//! is told and is no failure, because a reset only deletes. Not compared: free space, which others use too, and link counts,
//! which fall when a second name in a target goes. A file system whose server or daemon does not answer, and an automount
//! that nobody uses, are not walked: it would hang us, or be set off.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::deadline::Deadline;
use host::mounts::{self, Index, Mount};
use rustix::fs::{Dir, Mode, OFlags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Entries that are looked at; in both manifests the same ones, in the order of their paths.
const MOST_ENTRIES: u64 = 200_000;
/// Links that are followed as far as the question whether they lead into a target.
const MOST_LINKS: usize = 10_000;
/// Files whose content is read.
const SAMPLES: usize = 64;
/// What is read at the start and at the end of each.
const PIECE: u64 = 64 * 1024;
/// How long a server may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What a tree was like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The path, as the option has it.
    pub path: PathBuf,
    /// Whether there is anything.
    pub exists: bool,
    /// File system type and source, when it is one of its own.
    pub mounted: Option<String>,
    /// Why it was not walked.
    pub not_walked: Option<String>,
    /// Entries seen.
    pub entries: u64,
    /// Sum of the sizes of its files.
    pub bytes: u64,
    /// Whether that is all there is.
    pub complete: bool,
    /// Whether time ran out: then two manifests do not show the same part of the tree.
    #[serde(default)]
    pub cut_short: bool,
    /// Of all entries' names, each a number, sorted: what an interrupted run leaves to the next one.
    #[serde(default)]
    pub names: Vec<u64>,
    /// Of the files whose content was read. By SHA-256: another build compares them, after an interrupted run.
    pub samples: BTreeMap<String, u64>,
    /// Each entry's state by its name, and its path; only as long as the run lasts.
    #[serde(skip)]
    seen: BTreeMap<u64, (u64, PathBuf)>,
    /// Links in it.
    #[serde(skip)]
    pub links: Vec<PathBuf>,
}

/// What is different between two looks.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Something is gone: the run has failed.
    pub lost: Option<String>,
    /// Something was added or written by somebody.
    pub changed: Option<String>,
    /// Why this says less than it should.
    pub partly: Option<String>,
}

impl Manifest {
    /// Looks at a tree; changes nothing, not even access times.
    /// `real` is where the path leads when its links are followed.
    pub fn of(path: &Path, real: &Path, index: &Index<'_>, deadline: &Deadline) -> Self {
        let mount = index.exactly_at(real);
        // Whether an automount is mounted at this moment is nobody's loss.
        let automount = index.table().iter().any(|mount| mount.fs_type == "autofs" && mount.point == real);
        let described = |mount: &Mount| match automount {
            true => "an automount".to_owned(),
            false => format!("{} {}", mount.fs_type, mount.source.to_string_lossy()),
        };
        let mut manifest = Self {
            path: path.to_owned(),
            exists: true,
            mounted: mount.map(described),
            not_walked: None,
            entries: 0,
            bytes: 0,
            complete: true,
            cut_short: false,
            names: Vec::new(),
            samples: BTreeMap::new(),
            seen: BTreeMap::new(),
            links: Vec::new(),
        };
        if let Some(mount) = index.containing(real) {
            manifest.not_walked = not_walked(mount, deadline);
            if manifest.not_walked.is_some() {
                return manifest;
            }
        }
        if std::fs::symlink_metadata(real).is_err() {
            manifest.exists = false;
            return manifest;
        }
        let below = index.below(real).into_iter();
        let silent: BTreeSet<&Path> =
            below.filter(|mount| not_walked(mount, deadline).is_some()).map(|mount| mount.point.as_path()).collect();
        manifest.walk(real, &silent, deadline);
        manifest.names = manifest.seen.keys().copied().collect();
        manifest
    }

    fn walk(&mut self, real: &Path, silent: &BTreeSet<&Path>, deadline: &Deadline) {
        let mut chosen: BTreeMap<u64, PathBuf> = BTreeMap::new();
        // The last one is next: sorted backwards, so that the order is that of the paths.
        let mut todo = vec![real.to_owned()];
        while let Some(path) = todo.pop() {
            self.cut_short = deadline.expired();
            if self.entries >= MOST_ENTRIES || self.cut_short {
                self.complete = false;
                break;
            }
            if silent.contains(path.as_path()) {
                continue;
            }
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            self.entries += 1;
            let name = number(&[path.as_os_str().as_bytes()]);
            let mut state =
                vec![u64::from(meta.mode()), u64::from(meta.uid()), u64::from(meta.gid()), meta.ino(), meta.rdev()];
            if meta.is_dir() {
                let mut inner = list(&path);
                inner.sort_unstable_by(|one, other| other.cmp(one));
                todo.extend(inner.into_iter().map(|name| path.join(name)));
            } else {
                state.extend([meta.size(), meta.mtime().cast_unsigned(), meta.mtime_nsec().cast_unsigned()]);
                self.bytes += meta.size();
            }
            if meta.is_symlink() && self.links.len() < MOST_LINKS {
                self.links.push(path.clone());
            }
            if meta.is_file() && meta.size() > 0 {
                chosen.insert(name, path.clone());
                if chosen.len() > SAMPLES {
                    chosen.pop_last();
                }
            }
            let state: Vec<u8> = state.into_iter().flat_map(u64::to_ne_bytes).collect();
            self.seen.insert(name, (number(&[&state]), path));
        }
        for path in chosen.into_values() {
            if let Some(digest) = content(&path) {
                self.samples.insert(path.to_string_lossy().into_owned(), digest);
            }
        }
    }

    /// For the result, where `unchanged` is known.
    pub fn to_json(&self, unchanged: Option<bool>) -> Value {
        let mut value = json!({"path": self.path, "exists": self.exists, "unchanged": unchanged});
        // What says nothing is left out: people read this.
        if self.exists && self.not_walked.is_none() {
            value["entries"] = self.entries.into();
            value["bytes"] = self.bytes.into();
            value["samples"] = self.samples.len().into();
            value["complete"] = self.complete.into();
        }
        for (name, text) in [("mounted", &self.mounted), ("not_walked", &self.not_walked)] {
            if let Some(text) = text {
                value[name] = text.as_str().into();
            }
        }
        value
    }

    /// What is different now.
    pub fn difference(&self, now: &Self) -> Difference {
        let shown = self.path.display();
        let mut found = Difference::default();
        if self.exists != now.exists || self.mounted != now.mounted {
            let state = |manifest: &Self| match (&manifest.mounted, manifest.exists) {
                (Some(mount), _) => mount.clone(),
                (None, true) => "a directory".to_owned(),
                (None, false) => "nothing".to_owned(),
            };
            let what = format!("{shown} was {}, and is {}", state(self), state(now));
            // What appeared where nothing was is somebody's work.
            let appeared = !self.exists && self.mounted.is_none();
            *(if appeared { &mut found.changed } else { &mut found.lost }) = Some(what);
            return found;
        }
        if let Some(why) = self.not_walked.as_ref().or(now.not_walked.as_ref()) {
            found.partly = Some(format!("{shown} was not compared: {why}"));
            return found;
        }
        if self.cut_short || now.cut_short {
            found.partly = Some(format!("{shown} was compared only in part: time ran out"));
        } else if !self.complete || !now.complete {
            found.partly = Some(format!("of {shown} only the first {MOST_ENTRIES} entries were compared"));
        }
        self.compare(now, &mut found);
        found
    }

    fn compare(&self, now: &Self, found: &mut Difference) {
        let shown = self.path.display();
        let gone = self.names.iter().filter(|name| !now.seen.contains_key(*name));
        // One that others' new files pushed over the limit is still there.
        let there = |name: &u64| self.seen.get(name).is_some_and(|(_, path)| path.symlink_metadata().is_ok());
        let whole = self.complete && now.complete;
        let gone: Vec<&u64> = gone.filter(|name| !there(name) && (whole || self.seen.contains_key(*name))).collect();
        if let Some(first) = gone.first() {
            let example =
                self.seen.get(*first).map_or_else(String::new, |(_, path)| format!(", {} for one", path.display()));
            found.lost = Some(format!("{} entries of {shown} are gone{example}", gone.len()));
            return;
        }
        let state =
            |manifest: &Self, path: &str| manifest.seen.get(&number(&[path.as_bytes()])).map(|(state, _)| *state);
        let rewritten = |(path, digest): &(&String, &u64)| {
            now.samples.get(*path).is_some_and(|other| other != *digest) && state(self, path) == state(now, path)
        };
        if let Some((path, _)) = self.samples.iter().find(rewritten).filter(|_| !self.seen.is_empty()) {
            found.lost = Some(format!("the content of {path} has changed, and its time has not"));
            return;
        }
        let new = now.names.iter().filter(|name| self.names.binary_search(name).is_err()).count();
        let changed =
            |(name, (state, _)): &(&u64, &(u64, PathBuf))| self.seen.get(*name).is_some_and(|old| old.0 != *state);
        let changed: Vec<&Path> = now.seen.iter().filter(changed).map(|(_, (_, path))| path.as_path()).collect();
        let other =
            self.samples.iter().any(|(path, digest)| now.samples.get(path).is_some_and(|other| other != digest));
        if new > 0 || !changed.is_empty() || other {
            let example = changed.first().map_or_else(String::new, |path| format!(" ({} for one)", path.display()));
            let changed = changed.len();
            found.changed =
                Some(format!("{shown} has {new} new entries and {changed} that others wrote to meanwhile{example}"));
        }
    }
}

/// Why a mount is not looked into, if it is not.
fn not_walked(mount: &Mount, deadline: &Deadline) -> Option<String> {
    if mount.fs_type == "autofs" {
        return Some("an automount that nobody uses, which looking would set off".to_owned());
    }
    let silent = !mounts::answers(mount, &deadline.at_most(ANSWER));
    silent.then(|| format!("{}: it does not answer; its mount is compared", mount.fs_type))
}

/// The first eight bytes of a SHA-256: the same in every build.
fn number(parts: &[&[u8]]) -> u64 {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    let digest = hasher.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn list(directory: &Path) -> Vec<OsString> {
    let quietly = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // O_NOATIME is for the owner and for root only.
    let fd = rustix::fs::open(directory, quietly | OFlags::NOATIME, Mode::empty())
        .or_else(|_| rustix::fs::open(directory, quietly, Mode::empty()));
    let entries = fd.ok().and_then(|fd| Dir::new(fd).ok()).into_iter().flatten().flatten();
    let names = entries.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec()));
    names.filter(|name| name != "." && name != "..").collect()
}

fn content(path: &Path) -> Option<u64> {
    let quietly = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let fd = rustix::fs::open(path, quietly | OFlags::NOATIME, Mode::empty())
        .or_else(|_| rustix::fs::open(path, quietly, Mode::empty()))
        .ok()?;
    let file = std::fs::File::from(fd);
    let size = file.metadata().ok()?.len();
    let mut pieces = Vec::new();
    for start in [0, size.saturating_sub(PIECE)] {
        let mut piece = vec![0; usize::try_from(PIECE.min(size - start)).ok()?];
        file.read_exact_at(&mut piece, start).ok()?;
        pieces.push(piece);
    }
    Some(number(&pieces.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests change what the manifest is to notice")]
#[path = "manifest_tests.rs"]
mod tests;
