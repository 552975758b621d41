//! The targets as they are: each held open, with what is in it, what of it is unknown, and who else sees a part of it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{Index, Mount};
use host::remove::{self, Identity, Keep, Removed, Unknown, What};
use host::users::Users;

use super::known::Own;
use super::place::{self, Place};
use super::proof::{self, Proofs, Proved};
use super::propagation;
use super::targets::{MANIFESTS, Target};
use super::users::{self, Seen};
use crate::args::{Args, Part};

/// Entries counted in one target for the plan; beyond that it says "more than".
const MOST_ENTRIES: u64 = 100_000;

/// Unknown directories whose size is told.
const MOST_SIZED: usize = 50;

/// A target that exists.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which; its path has no link in it.
    pub target: Target,
    /// What it is, held open.
    pub held: Arc<remove::Target>,
    /// What is in it.
    pub survey: Removed,
    /// Mounts below it that go.
    pub mounts: Vec<Mount>,
    /// What of it stays.
    pub spare: Vec<Identity>,
    /// What of it is known to be Kubernetes'; nothing: all of it goes.
    pub known: Option<Arc<Own>>,
    /// Who else sees a part of it: then nothing may be deleted.
    pub users: Vec<Seen>,
}

/// The targets, and those that are none.
#[derive(Debug, Default)]
pub struct Looked {
    /// Those that exist.
    pub targets: Vec<Found>,
    /// Why targets are not what they seem.
    pub unsafe_targets: Vec<String>,
    /// What is kept although it is on the list.
    pub kept: Vec<(PathBuf, String)>,
    /// Mounts at targets that are proved to be this node's own.
    pub proved: Proved,
}

/// What targets are looked at with.
pub struct Sight<'a> {
    /// This process's mounts.
    pub index: &'a Index<'a>,
    /// Who uses what.
    pub users: &'a Users,
    /// What stays in every target.
    pub foreign: &'a [PathBuf],
    /// For all of it.
    pub deadline: &'a Deadline,
}

/// The targets with their places, before anything in them is looked at.
pub fn places(
    args: &Args,
    wanted: Vec<Target>,
    index: &Index<'_>,
    proofs: &Proofs<'_>,
) -> Result<(Vec<(Target, Place)>, Looked)> {
    let (mut there, mut looked) = (Vec::new(), Looked::default());
    let paths: Vec<PathBuf> = wanted.iter().map(|target| target.path.clone()).collect();
    for target in wanted {
        // What is mounted on a target in a target is unmounted with all that is mounted in there.
        let nested = paths.iter().any(|other| target.path != *other && target.path.starts_with(other));
        if nested && index.exactly_at(&target.path).is_some() {
            continue;
        }
        match place::judge(args, &target, index, proofs)? {
            Place::Nothing => {}
            Place::Keep(why) => looked.kept.push((target.path, why)),
            // Where root's home is a link (ostree), its kubeconfig is not worth refusing all the rest.
            Place::Refuse(why) if target.part == Part::Kubectl => looked.kept.push((target.path, why)),
            Place::Refuse(why) => looked.unsafe_targets.push(format!("{} {why}", target.path.display())),
            own @ Place::Own { .. } => {
                let mount = index.exactly_at(&target.path).and_then(|_| proof::identity(&target.path));
                looked.proved.extend(mount.map(|identity| (target.path.clone(), identity)));
                there.push((target, own));
            }
        }
    }
    Ok((there, looked))
}

/// Looks into one. `None` when it is gone meanwhile.
pub fn into(mut target: Target, place: Place, all: &[PathBuf], sight: &Sight<'_>) -> Result<Option<Found>> {
    let Place::Own { real, whole } = place else { return Ok(None) };
    let listed = std::mem::replace(&mut target.path, real);
    let Some(held) = remove::Target::open(&target.path)? else { return Ok(None) };
    let mut spare: Vec<Identity> = sight.foreign.iter().filter_map(|path| Identity::at(path)).collect();
    if listed == Path::new("/etc/kubernetes") {
        // The kubelet's package ships it, and the kubelet complains when it is missing. Its contents are a target.
        spare.extend(Identity::at(Path::new(MANIFESTS)));
    }
    if sight.index.exactly_at(&target.path).is_some_and(|mount| mount.fs_type.starts_with("ext")) {
        // Its place is reserved when the file system is made, for repairing it: not ours to delete.
        let lost = Identity::at(&target.path.join("lost+found"));
        spare.extend(lost.filter(|_| target.path.join("lost+found").is_dir()));
    }
    let contents = target.what == What::Contents && !whole;
    let known = if contents { Own::of(&target, &listed).map(Arc::new) } else { None };
    let used: HashSet<Identity> = sight.users.files.keys().copied().collect();
    let keep = keep(&spare, known.as_deref(), &used);
    let mut survey = remove::survey(&held, keep, MOST_ENTRIES, sight.deadline)?;
    survey.unknown.iter_mut().take(MOST_SIZED).for_each(|unknown| size(unknown, sight.deadline));
    let mounts = below(sight.index, &target.path, &survey).into_iter().cloned().collect::<Vec<_>>();
    let mut users = users::of(sight.index, sight.users, &target.path, &survey, all);
    users.extend(propagation::reaches(sight.index, &mounts, all));
    Ok(Some(Found { target, held: Arc::new(held), survey, mounts, spare, known, users }))
}

/// How large a directory is that stays: a look at it is for the answer only, and may fail.
fn size(unknown: &mut Unknown, deadline: &Deadline) {
    let held = remove::Target::open(&unknown.path).ok().flatten().filter(remove::Target::is_directory);
    let survey = held.and_then(|held| remove::survey(&held, Keep::default(), MOST_ENTRIES / 10, deadline).ok());
    unknown.bytes = survey.map_or(unknown.bytes, |survey| survey.bytes);
}

/// What stays of a target.
pub fn keep<'a>(spare: &'a [Identity], known: Option<&'a Own>, used: &'a HashSet<Identity>) -> Keep<'a> {
    Keep { spare, known: known.map(|known| known as &dyn remove::Known), used: Some(used) }
}

/// What is mounted below a target, but not what is mounted in or on an entry that stays.
pub fn below<'a>(index: &Index<'a>, path: &Path, survey: &Removed) -> Vec<&'a Mount> {
    let stays = |mount: &&Mount| survey.unknown.iter().any(|unknown| mount.point.starts_with(&unknown.path));
    index.below(path).into_iter().filter(|mount| !stays(mount)).collect()
}
