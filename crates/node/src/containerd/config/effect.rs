//! What a containerd of a given release makes of the files: which it does not start with, and what in them it passes over.
//!
//! `containerd config dump` shows neither: it prints what is in force, with no word of what is not.

use super::edit::has_section;
use super::gone::gone;
use super::names::{CRI, Names, STAYED};
use super::paths::table;
use super::{Config, ConfigFile};
use crate::containerd::release::Release;
use host::files;
use std::path::{Path, PathBuf};
use toml_edit::TableLike;

/// Why a containerd of that release does not start with these files.
pub fn refusal(config: &Config, release: Release) -> Option<String> {
    let Release { major, minor } = release;
    // One version counts for the merged files: that of the last one that says more than 1.
    let most = release.reads_version();
    let decides = config.files.iter().rev().find(|file| file.said() > 1);
    if let Some(file) = decides.filter(|file| file.said() > most) {
        let (path, version) = (file.path.display(), file.said());
        return Some(format!(
            "{path} is of version {version}, and containerd {major}.{minor} reads up to version {most}"
        ));
    }
    let main = config.files.iter().map(ConfigFile::said).find(|said| *said > 0)?;
    let newer = config.files.iter().skip(1).find(|file| file.said() > main);
    newer.filter(|_| release.refuses_newer_imports()).map(|file| {
        let (path, version) = (file.path.display(), file.said());
        format!(
            "{path} is of version {version} and {} of version {main}: containerd {major}.{minor} takes no imported file of a higher version than the main one",
            config.main().path.display()
        )
    })
}

/// What of the files is not in force with a containerd of that release, a sentence each.
pub fn passed_over(config: &Config, release: Release) -> Vec<String> {
    let mut found = Vec::new();
    if release.major < 2 {
        replaced(config, &mut found);
        unknown_names(config, release, &mut found);
    } else {
        old_names(config, release, &mut found);
    }
    found.extend(gone(config, release).into_iter().map(|gone| {
        let Release { major, minor } = gone.since;
        format!(
            "{}: {} is gone since containerd {major}.{minor}; write {}",
            gone.file.display(),
            gone.key,
            gone.instead
        )
    }));
    found
}

/// Files in the drop-in directory beside the main file that no file imports.
pub fn unread_drop_ins(config: &Config) -> Vec<PathBuf> {
    let dir = config.main().path.parent().unwrap_or(Path::new("/"));
    let mut found = Vec::new();
    for dir in ["conf.d", "config.d"].map(|name| dir.join(name)) {
        // What is not a directory has nothing to read.
        let names = files::names(&dir).unwrap_or_default();
        let drop_ins =
            names.iter().map(|name| dir.join(name)).filter(|path| path.extension().is_some_and(|e| e == "toml"));
        let real = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        found.extend(drop_ins.filter(|path| !config.files.iter().any(|file| file.path == real(path))));
    }
    found
}

/// containerd 1.x: a plugin's section in a later file replaces an earlier one whole (containerd#5837).
fn replaced(config: &Config, found: &mut Vec<String>) {
    for (at, file) in config.files.iter().enumerate() {
        let Some(plugins) = table(&file.document, &["plugins"]) else { continue };
        for (name, item) in plugins.iter() {
            let later = config.files.iter().skip(at + 1).rev().find(|later| has_section(&later.document, name));
            let (Some(later), Some(section)) = (later, item.as_table_like()) else { continue };
            let theirs = table(&later.document, &["plugins", name]);
            let lost = lost(section, theirs, "");
            if !lost.is_empty() {
                let (path, later) = (file.path.display(), later.path.display());
                found.push(format!(
                    "{path}: {} of plugins.\"{name}\", whose whole section {later} replaces",
                    listed(&lost)
                ));
            }
        }
    }
}

/// Keys with a value that are in the one and not in the other.
fn lost(mine: &dyn TableLike, theirs: Option<&dyn TableLike>, prefix: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (key, item) in mine.iter() {
        let path = format!("{prefix}{key}");
        let other = theirs.and_then(|table| table.get(key));
        match item.as_table_like() {
            Some(inner) => keys.extend(lost(inner, other.and_then(|o| o.as_table_like()), &format!("{path}."))),
            None if other.is_none() => keys.push(path),
            None => {}
        }
    }
    keys
}

/// containerd 1.x knows no section of version 3.
fn unknown_names(config: &Config, release: Release, found: &mut Vec<String>) {
    let new = Names::of(3);
    for file in &config.files {
        for name in [new.runtime, new.images] {
            if has_section(&file.document, name) {
                let (path, Release { major, minor }) = (file.path.display(), release);
                found.push(format!(
                    "{path}: plugins.\"{name}\", a name of version 3, which containerd {major}.{minor} does not know"
                ));
            }
        }
    }
}

/// containerd 2.x: CRI's settings under the names of versions 1 and 2, where they are not brought to the new ones.
fn old_names(config: &Config, release: Release, found: &mut Vec<String>) {
    let lost_everywhere = config.loses_old_names(release);
    let decides = config.files.iter().rev().find(|file| file.said() >= 3);
    for file in &config.files {
        if !lost_everywhere && (file.said() < 4 || !release.migrates_each_file()) {
            continue;
        }
        for name in [CRI, "cri"] {
            let Some(section) = table(&file.document, &["plugins", name]) else { continue };
            let stayed = |key: &String| STAYED.contains(&key.split('.').next().unwrap_or_default());
            let lost: Vec<String> = lost(section, None, "").into_iter().filter(|key| !stayed(key)).collect();
            if lost.is_empty() {
                continue;
            }
            let why = match decides.filter(|_| lost_everywhere) {
                Some(other) if other.path != file.path => {
                    format!("{} is of version {} and is read later", other.path.display(), other.said())
                }
                _ if file.said() == 0 => "it says no version".to_owned(),
                _ => format!("its version is {}", file.said()),
            };
            found.push(format!(
                "{}: {} of plugins.\"{name}\", a name of version 2: {why}",
                file.path.display(),
                listed(&lost)
            ));
        }
    }
}

/// The first few, and how many more.
fn listed(keys: &[String]) -> String {
    let first = keys.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match keys.len().checked_sub(3) {
        Some(more) if more > 0 => format!("{first} and {more} more"),
        _ => first,
    }
}
