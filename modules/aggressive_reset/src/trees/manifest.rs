//! A preserved tree before and after: equal, or the run has failed.
//!
//! Counted and digested are all entries (up to a limit): path, kind, mode, owner, size, time of change of content, inode.
//! Of some files the content is read, too. Access times are left as they are. Not compared: free space, which others use
//! too, and link counts, which fall when a second name in a target goes. A file system whose server or daemon does not
//! answer is not walked, or it would hang us, too: its mount is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use host::deadline::Deadline;
use host::mounts::{self, Mount, below, containing, exactly_at};
use rustix::fs::{Dir, Mode, OFlags};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Entries that are looked at; in both manifests the same ones, in the order of their paths.
const MOST_ENTRIES: u64 = 200_000;
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
    /// Of all entries.
    pub digest: u64,
    /// Of the files whose content was read.
    pub samples: BTreeMap<String, u64>,
    /// Blocks and inodes of the file system, used or not.
    pub file_system: Option<(u64, u64)>,
}

impl Manifest {
    /// Looks at a tree; changes nothing, not even access times.
    /// `real` is where the path leads when its links are followed.
    pub fn of(path: &Path, real: &Path, table: &[Mount], deadline: &Deadline) -> Self {
        let mount = exactly_at(table, real);
        let mut manifest = Self {
            path: path.to_owned(),
            exists: true,
            mounted: mount.map(|mount| format!("{} {}", mount.fs_type, mount.source.to_string_lossy())),
            not_walked: None,
            entries: 0,
            bytes: 0,
            complete: true,
            cut_short: false,
            digest: 0,
            samples: BTreeMap::new(),
            file_system: None,
        };
        let silent = |mount: &&Mount| !mounts::answers(mount, &deadline.at_most(ANSWER));
        if let Some(mount) = containing(table, real).filter(silent) {
            manifest.not_walked = Some(format!("{}: it does not answer; its mount is compared", mount.fs_type));
            return manifest;
        }
        match std::fs::metadata(real) {
            Err(_) => manifest.exists = false,
            Ok(_) => {
                let silent: BTreeSet<&Path> =
                    below(table, real).into_iter().filter(silent).map(|mount| mount.point.as_path()).collect();
                manifest.file_system = rustix::fs::statvfs(real).ok().map(|stat| (stat.f_blocks, stat.f_files));
                manifest.walk(real, &silent, deadline);
            }
        }
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
            let mut hasher = DefaultHasher::new();
            path.as_os_str().as_bytes().hash(&mut hasher);
            let name = hasher.finish();
            (meta.mode(), meta.uid(), meta.gid(), meta.ino(), meta.rdev()).hash(&mut hasher);
            if meta.is_dir() {
                let mut inner = list(&path);
                inner.sort_unstable_by(|one, other| other.cmp(one));
                todo.extend(inner.into_iter().map(|name| path.join(name)));
            } else {
                (meta.size(), meta.mtime(), meta.mtime_nsec()).hash(&mut hasher);
                self.bytes += meta.size();
            }
            // A sum, so that it could be compared in parts one day; each term is a hash of its own.
            self.digest = self.digest.wrapping_add(hasher.finish());
            if meta.is_file() && meta.size() > 0 {
                chosen.insert(name, path);
                if chosen.len() > SAMPLES {
                    chosen.pop_last();
                }
            }
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

    /// What is different now, in words; nothing when all is as it was.
    pub fn difference(&self, now: &Self) -> Option<String> {
        let shown = self.path.display();
        if self.exists != now.exists || self.mounted != now.mounted {
            let state = |manifest: &Self| match (&manifest.mounted, manifest.exists) {
                (Some(mount), _) => mount.clone(),
                (None, true) => "a directory".to_owned(),
                (None, false) => "nothing".to_owned(),
            };
            return Some(format!("{shown} was {}, and is {}", state(self), state(now)));
        }
        if self.cut_short || now.cut_short {
            return None;
        }
        if self.entries != now.entries || self.bytes != now.bytes {
            return Some(format!(
                "{shown} had {} entries and {} bytes, and has {} and {}",
                self.entries, self.bytes, now.entries, now.bytes
            ));
        }
        if let Some((path, _)) = self.samples.iter().find(|(path, digest)| now.samples.get(*path) != Some(digest)) {
            return Some(format!("the content of {path} has changed"));
        }
        (self.digest != now.digest)
            .then(|| format!("{shown} has changed: an entry has another owner, mode, size, time or inode"))
    }
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
    let mut hasher = DefaultHasher::new();
    for start in [0, size.saturating_sub(PIECE)] {
        let mut piece = vec![0; usize::try_from(PIECE.min(size - start)).ok()?];
        file.read_exact_at(&mut piece, start).ok()?;
        piece.hash(&mut hasher);
    }
    Some(hasher.finish())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "the tests change what the manifest is to notice")]
#[path = "manifest_tests.rs"]
mod tests;
