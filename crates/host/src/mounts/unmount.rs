//! Unmounting everything below a directory: deepest first, within a deadline, harming nothing.
//!
//! Policy. Plainly first. A mount that is busy is tried again for two seconds, because the processes that were just killed
//! take a moment to let go. Where a server or a daemon answers for the file system, a busy or stuck mount is then
//! forced once, which makes waiting requests fail and touches no data. Lazily only where the caller allows it for that mount,
//! and by identity (see `detach`). What remains is reported with those
//! who hold it, and the caller must leave that tree alone.
//!
//! Propagation. Unmounting something whose parent mount is shared also unmounts it at the parent's peers. After `mount
//! --rbind / DIR` that would take the machine's own mounts down, so whatever is mounted below the directory and carries
//! other mounts is made private first, with all that is on it. Copies at the peers of the directory's own mount (other mount namespaces that were given
//! the same volume) go as well; that is what the kubelet does, too.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use nix::errno::Errno;

use super::child::{Call, Ended, call, call_each};
use super::{Index, Mount, exactly_at, holders, table};
use crate::deadline::{Deadline, Look};

/// How long a busy mount is tried again after the last one that went.
const BUSY_PATIENCE: Duration = Duration::from_secs(2);
/// Why most mounts do not go.
const BUSY: &str = "busy";
/// How long one system call may take before it is taken for stuck.
const CALL_PATIENCE: Duration = Duration::from_secs(5);

/// What unmounting below a directory came to.
#[derive(Debug, Default)]
pub struct Unmounted {
    /// The mounts that are gone, in that order.
    pub gone: Vec<Mount>,
    /// The mounts that are still there.
    pub left: Vec<Left>,
    /// Of those gone, the ones that somebody still holds, and who.
    pub detached: Vec<String>,
}

/// A mount that would not go.
#[derive(Debug)]
pub struct Left {
    /// Which.
    pub mount: Mount,
    /// Why, in a few words: `busy`, `does not answer`, or the kernel's error.
    pub why: String,
    /// Who holds it, as far as can be told; at most ten.
    pub holders: Vec<String>,
}

impl std::fmt::Display for Left {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.mount.point.display(), self.mount.fs_type, self.why)?;
        if self.holders.is_empty() { Ok(()) } else { write!(f, ", held by {}", self.holders.join(", ")) }
    }
}

/// Unmounts the uppermost mount on exactly `point`. Nothing mounted there is no error.
pub fn unmount(point: &Path, deadline: &Deadline) -> Result<()> {
    let Some(mount) = exactly_at(&table()?, point).cloned() else { return Ok(()) };
    match attempt(&mount, deadline)? {
        None => Ok(()),
        Some(left) => bail!("unmounting {left}"),
    }
}

/// Unmounts every mount strictly below `directory`, also those that come to light when a mount over them goes.
pub fn unmount_below(directory: &Path, deadline: &Deadline) -> Result<Unmounted> {
    unmount_below_but(directory, &[], &|_| false, deadline)
}

/// The same without what is mounted on or in `stays`. A busy mount for which `may_detach` says so, which no server or daemon
/// answers for and nothing is mounted on, is taken off its directory for all but those who hold it, and told in `detached`.
pub fn unmount_below_but(
    directory: &Path,
    stays: &[PathBuf],
    may_detach: &dyn Fn(&Mount) -> bool,
    deadline: &Deadline,
) -> Result<Unmounted> {
    let mut done = Unmounted::default();
    // What would not go is not tried again when other mounts come to light.
    let mut stuck: Vec<Left> = Vec::new();
    loop {
        let table = table()?;
        let index = Index::of(&table);
        let known: HashSet<u64> = stuck.iter().map(|left| left.mount.id).collect();
        let round: Vec<&Mount> = index
            .below(directory)
            .into_iter()
            .filter(|mount| !known.contains(&mount.id) && !stays.iter().any(|path| mount.point.starts_with(path)))
            .collect();
        if round.is_empty() {
            break;
        }
        let out_of_time = deadline.expired();
        for carrier in carriers(&index, &round) {
            // Recursively from above: a mount with another on the same point cannot be named by a path of its own.
            call(Call::MakePrivate, &carrier.point, &deadline.at_most(CALL_PATIENCE))?;
        }
        let before = done.gone.len();
        let easy = go_at_once(&index, &round, deadline)?;
        let mut settled: HashSet<u64> = known.union(&easy).copied().collect();
        let mut deferred = Vec::new();
        for mount in round {
            if easy.contains(&mount.id) {
                done.gone.push(mount.clone());
                continue;
            }
            // What it hides has to come to light and go first; the next round sees it.
            if index.on(mount.id).iter().any(|child| !settled.contains(&child.id)) {
                deferred.push(mount);
                continue;
            }
            settled.insert(mount.id);
            let covered = stuck.iter().find(|left| left.mount.point.starts_with(&mount.point));
            let outcome = match covered {
                Some(left) => Some(Left {
                    mount: mount.clone(),
                    why: format!("{} is mounted on it", left.mount.point.display()),
                    holders: Vec::new(),
                }),
                None => attempt(mount, deadline)?,
            };
            match outcome {
                None => done.gone.push(mount.clone()),
                Some(left) if left.why == BUSY && covered.is_none() && !mount.may_hang() && may_detach(mount) => {
                    match super::detach::detach(mount) {
                        Ok(()) => {
                            done.gone.push(mount.clone());
                            done.detached.push(format!("{left} (detached)"));
                        }
                        Err(error) => stuck.push(Left { why: format!("{BUSY}, and {error:#}"), ..left }),
                    }
                }
                Some(left) => stuck.push(left),
            }
        }
        // Somebody who mounts faster than we unmount must not keep us here.
        if out_of_time {
            break;
        }
        if done.gone.len() == before {
            stuck.extend(deferred.into_iter().map(|mount| Left {
                mount: mount.clone(),
                why: "something hidden is mounted on it".to_owned(),
                holders: Vec::new(),
            }));
        }
    }
    done.left = stuck;
    Ok(done)
}

/// Unmounts, in one child, what nobody uses, nobody has to answer for and nothing else is mounted on by then; gives back the
/// ids of what went. The rest is for [`attempt`], one by one.
fn go_at_once(index: &Index<'_>, round: &[&Mount], deadline: &Deadline) -> Result<HashSet<u64>> {
    let mut tried: HashSet<u64> = HashSet::new();
    if deadline.expired() {
        return Ok(tried);
    }
    let mut points = Vec::new();
    for mount in round.iter().filter(|mount| !mount.may_hang()) {
        if index.on(mount.id).iter().all(|child| tried.contains(&child.id)) {
            tried.insert(mount.id);
            points.push((mount.id, mount.point.as_path()));
        }
    }
    let paths: Vec<&Path> = points.iter().map(|(_, point)| *point).collect();
    let all = call_each(Call::Unmount, &paths, CALL_PATIENCE, deadline)?;
    Ok(points.iter().zip(all).filter(|(_, ended)| *ended == Ended::Done).map(|((id, _), _)| *id).collect())
}

/// Mounts of this round that carry others and are not themselves carried by one of this round.
fn carriers<'a>(index: &Index<'_>, round: &[&'a Mount]) -> Vec<&'a Mount> {
    let ids: HashSet<u64> = round.iter().map(|mount| mount.id).collect();
    let carried = |mount: &Mount| mount.parent != mount.id && ids.contains(&mount.parent);
    round.iter().copied().filter(|mount| !index.on(mount.id).is_empty() && !carried(mount)).collect()
}

/// `None` when it is gone.
fn attempt(mount: &Mount, deadline: &Deadline) -> Result<Option<Left>> {
    if deadline.expired() {
        return Ok(Some(Left { mount: mount.clone(), why: "no time left for it".to_owned(), holders: Vec::new() }));
    }
    let busy_until = deadline.at_most(BUSY_PATIENCE);
    let first = busy_until.poll(Duration::from_millis(100), "the mount to be free", || {
        Ok(match call(Call::Unmount, &mount.point, &deadline.at_most(CALL_PATIENCE))? {
            Ended::Failed(Errno::EBUSY) => Look::NotYet(String::new()),
            ended => Look::Ready(ended),
        })
    });
    let mut ended = first.unwrap_or(Ended::Failed(Errno::EBUSY));
    if mount.may_hang() && matches!(ended, Ended::Stuck | Ended::Failed(Errno::EBUSY)) && is_there(mount)? {
        ended = force(mount, deadline)?;
    }
    let why = match ended {
        Ended::Done => return Ok(None),
        // Gone meanwhile, with its directory or without.
        Ended::Failed(Errno::EINVAL | Errno::ENOENT) if !is_there(mount)? => return Ok(None),
        Ended::Stuck if !is_there(mount)? => return Ok(None),
        Ended::Stuck => "does not answer".to_owned(),
        Ended::Failed(Errno::EBUSY) => BUSY.to_owned(),
        Ended::Failed(errno) => errno.desc().to_lowercase(),
    };
    Ok(Some(Left { mount: mount.clone(), why, holders: holders(mount) }))
}

/// Aborting the requests frees the processes that wait for them, which then need a moment to let go.
fn force(mount: &Mount, deadline: &Deadline) -> Result<Ended> {
    let busy_until = deadline.at_most(BUSY_PATIENCE);
    let last = busy_until.poll(Duration::from_millis(100), "the mount to be free", || {
        Ok(match call(Call::ForceUnmount, &mount.point, &deadline.at_most(CALL_PATIENCE))? {
            Ended::Failed(Errno::EBUSY) => Look::NotYet(String::new()),
            ended => Look::Ready(ended),
        })
    });
    Ok(last.unwrap_or(Ended::Failed(Errno::EBUSY)))
}

fn is_there(mount: &Mount) -> Result<bool> {
    let same = |other: &Mount| other.id == mount.id && other.point == mount.point;
    Ok(table()?.iter().any(same))
}

/// The points of `left`, for a message.
impl Unmounted {
    /// Paths of the mounts that are still there.
    pub fn left_points(&self) -> Vec<PathBuf> {
        self.left.iter().map(|left| left.mount.point.clone()).collect()
    }
}
