//! A target deleted: whatever was planned is looked at once more, at the last moment, and given up if it has changed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use host::mounts::{self, Index};
use host::remove::{Identity, LastLook, Removed, remove};
use host::users::{self, Own};

use super::look::{self, Found};
use super::{propagation, users as seen};
use crate::done::Removal;
use crate::run::Run;
use crate::words::shorten;

/// How long unmounting below one target may take.
const UNMOUNT: Duration = Duration::from_secs(60);
/// How long a process that ends may still see a target: a container that was about to start when its pod was removed does.
const PASSING: Duration = Duration::from_secs(5);
/// Between two looks.
const AGAIN: Duration = Duration::from_millis(100);

/// Unmounts what is mounted below a target, and goes. What does not go keeps the target.
pub fn unmount(run: &mut Run, found: &Found) -> Result<()> {
    let path = &found.target.path;
    if !run.may_empty(found) {
        return Ok(());
    }
    // What is mounted over it by now has mounts of its own, which are not the target's.
    drop(still_there(run, found)?);
    let table = mounts::table()?;
    let index = Index::of(&table);
    let going: Vec<_> = look::below(&index, path, &found.survey).into_iter().cloned().collect();
    let reached = propagation::reaches(&index, &going, &paths(run));
    if !reached.is_empty() {
        run.leave(path, &said(&reached));
        run.block_path(path);
        return Ok(());
    }
    let stays: Vec<PathBuf> = found.survey.unknown.iter().map(|unknown| unknown.path.clone()).collect();
    let preserved = run.state.preserved_places(&index);
    let may_detach = |mount: &mounts::Mount| !preserved.iter().any(|place| place.is_shown_by(mount));
    let done = mounts::unmount_below_but(path, &stays, &may_detach, &run.deadline.at_most(UNMOUNT));
    if done.as_ref().map_or(true, |done| !done.left.is_empty()) {
        run.block_path(path);
    }
    let done = done.with_context(|| format!("unmounting what is below {}", path.display()))?;
    for left in done.left {
        run.report.problems.push(format!("unmounting {left}; {} was not deleted", path.display()));
    }
    for detached in done.detached {
        run.report
            .warnings
            .push(format!("{detached}; it sees that file system until it ends, and nothing in it was touched"));
    }
    Ok(())
}

/// Deletes it, as far as it is what it was and nobody else sees it.
pub fn delete(run: &mut Run, found: &Found) -> Result<()> {
    let path = &found.target.path;
    if !run.may_empty(found) {
        return Ok(());
    }
    // Mounted since the plan was made: by a pod that was dying.
    let mut table = mounts::table()?;
    if !run.is_blocked(path) && !look::below(&Index::of(&table), path, &found.survey).is_empty() {
        unmount(run, found)?;
        table = mounts::table()?;
    }
    if run.is_blocked(path) {
        run.report.kept.push((path.clone(), "something is still mounted below it, or uses it".to_owned()));
        return Ok(());
    }
    let all = paths(run);
    let me = std::process::id() as i32;
    let own = Own { directories: &all, processes: &|pid| pid == me };
    let limit = run.deadline.at_most(PASSING);
    let (users, seen_by) = loop {
        let users = users::now(&table, &own)?;
        let stays = Removed { unknown: found.survey.unknown.clone(), ..Removed::default() };
        let mut seen_by: Vec<String> =
            seen::of(&Index::of(&table), &users, path, &stays, &all).into_iter().map(|seen| seen.what).collect();
        seen_by.extend(users.unresolved.iter().cloned());
        if seen_by.is_empty() || limit.expired() {
            break (users, seen_by);
        }
        limit.pause(AGAIN);
    };
    let used: HashSet<Identity> = users.files.keys().copied().collect();
    if !seen_by.is_empty() {
        run.leave(path, &seen_by.join(", "));
        return Ok(());
    }
    let look = still_there(run, found)?;
    let keep = look::keep(&found.spare, found.known.as_deref(), &used);
    let removed = remove(look, found.target.what, keep, &run.deadline)?;
    run.report.removed.push(Removal { path: path.clone(), entries: removed.entries, bytes: removed.bytes });
    let kept = removed.kept.iter().map(|kept| format!("deleting {}", shorten(&kept.to_string())));
    run.report.problems.extend(kept);
    let more = removed.kept_count.saturating_sub(removed.kept.len() as u64);
    if more > 0 {
        run.report.problems.push(format!("deleting {}: {more} more could not be deleted", path.display()));
    }
    for (file, identity) in &removed.used {
        let by = users.files.get(identity).map_or("somebody uses", |used| used.by.as_str());
        run.report.problems.push(format!("deleting {}: {by} {}", path.display(), file.display()));
        run.report.kept.push((file.clone(), format!("{by} it")));
    }
    // What nobody knew at the first look is in the plan; this came later.
    let known = |unknown: &&host::remove::Unknown| !found.survey.unknown.iter().any(|old| old.path == unknown.path);
    let late: Vec<_> = removed.unknown.iter().filter(known).map(|unknown| unknown.path.clone()).collect();
    run.report.kept.extend(late.into_iter().map(|path| (path, "not known to be Kubernetes', and new".to_owned())));
    Ok(())
}

/// The target opened once more, as it was; one that is something else by now is kept.
fn still_there<'a>(run: &mut Run, found: &'a Found) -> Result<LastLook<'a>> {
    let look = found.held.last_look();
    if look.is_err() {
        let kept = (found.target.path.clone(), "it is not what it was when the plan was made".to_owned());
        run.report.kept.extend(Some(kept.clone()).filter(|_| !run.report.kept.contains(&kept)));
    }
    look
}

fn said(seen: &[seen::Seen]) -> String {
    seen.iter().map(|seen| seen.what.as_str()).collect::<Vec<_>>().join(", ")
}

fn paths(run: &Run) -> Vec<PathBuf> {
    run.state.targets.iter().map(|found| found.target.path.clone()).collect()
}

/// Whether a path lies below one of these.
pub fn below_any(path: &Path, directories: &[&str]) -> bool {
    directories.iter().any(|directory| path.starts_with(directory))
}
