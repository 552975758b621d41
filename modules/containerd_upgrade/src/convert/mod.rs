//! One file of containerd's configuration, written for a newer release: order, comments and unknown keys stay.
//!
//! What moved where: containerd's own migrations (`plugins/cri/{runtime,images}/plugin.go`, `core/metrics/cgroups`,
//! `plugins/restart`, `core/runtime/v2/shim_manager.go`, `cmd/containerd/server/config/config.go`), which containerd does in
//! memory at each start and, by `config migrate`, in one file without its comments. What was removed when: RELEASES.md,
//! "Deprecated config properties". Pure.

mod first;
mod moves;
mod removed;
mod second;
mod third;

pub(crate) use node::containerd::config::names::{CRI, IMAGES, RUNTIME};
use node::containerd::release::Release;
use toml_edit::DocumentMut;

pub use moves::names;

/// What was done to a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// In the middle of a sentence, each.
    pub changes: Vec<String>,
    /// What only a person can decide, and how.
    pub undecided: Vec<String>,
}

impl Notes {
    fn did(&mut self, what: impl Into<String>) {
        self.changes.push(what.into());
    }

    fn ask(&mut self, what: impl Into<String>) {
        self.undecided.push(what.into());
    }
}

/// The version that a release's files are written in: 4 came with 2.3, 3 with 2.0.
pub fn version_for(release: Release) -> i64 {
    match (release.major, release.minor) {
        (..2, _) => 2,
        (2, ..3) => 3,
        _ => 4,
    }
}

/// Writes a document of version `from` for `target`. One that is of the target's version, or newer, stays as it is but for
/// what the release no longer knows.
pub fn convert(document: &mut DocumentMut, from: i64, target: Release) -> anyhow::Result<Notes> {
    let mut notes = Notes::default();
    let to = version_for(target);
    if from < 2 && to >= 2 {
        first::to_second(document, &mut notes)?;
    }
    if from < 3 && to >= 3 {
        second::to_third(document, &mut notes)?;
    }
    if target >= (Release { major: 2, minor: 0 }) {
        removed::removed(document, target, &mut notes)?;
    }
    if from < 4 && to >= 4 {
        third::to_fourth(document, &mut notes)?;
    }
    let said = document.get("version").and_then(|item| item.as_integer());
    // A release refuses what is of a newer version than its own.
    if said != Some(to) {
        node::containerd::config::paths::set(document, &["version"], to)?;
        notes.did(said.map_or_else(
            || format!("it says that it is of version {to}"),
            |said| format!("version {said} becomes {to}"),
        ));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests;
