//! The steps, done, each announced in the journal. One that fails is remembered and the rest goes on; only a kubelet that
//! will not stop ends the run, because it would work against everything after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansible::Task;
use anyhow::{Context, Result};
use host::deadline::Deadline;
use host::mounts;
use host::processes::Kind;
use host::remove::{self, Keep};
use host::{files, systemd};

use crate::args::Part;
use crate::journal::Journal;
use crate::observe::{Found, State};
use crate::parts::runtime::sole::Sole;
use crate::parts::runtime::{self, pods};
use crate::parts::{etcd, firewall, kubectl, kubelet, network};
use crate::plan::{self, Step};
use crate::report::{Removal, Report};

/// How long unmounting below one target may take.
const UNMOUNT: Duration = Duration::from_secs(60);

/// The run.
pub struct Run<'a> {
    /// The node before it.
    pub state: &'a State,
    /// For all of it.
    pub deadline: Deadline,
    /// What has been done so far.
    pub report: Report,
    /// Targets that must be left alone, because something is still mounted below them or uses them.
    blocked: BTreeSet<PathBuf>,
    /// Whether containerd is Kubernetes' alone.
    proof: Proof,
}

/// Whether containerd is Kubernetes' alone: asked before the first thing of it is taken away.
enum Proof {
    NotAsked,
    Holds(#[expect(dead_code, reason = "what it holds is the database's lock")] Sole),
    Fails,
}

impl<'a> Run<'a> {
    /// Nothing done yet.
    pub fn new(state: &'a State, deadline: Deadline) -> Self {
        Self { state, deadline, report: Report::default(), blocked: BTreeSet::new(), proof: Proof::NotAsked }
    }

    /// Leaves the targets of a part alone from now on.
    pub fn block(&mut self, part: Part) {
        let targets = self.state.targets.iter().filter(|found| found.target.part == part);
        self.blocked.extend(targets.map(|found| found.target.path.clone()));
    }

    /// Does the steps in order. An error is a run that could not go on.
    pub fn apply(&mut self, steps: &[Step], journal: &mut Journal, task: &Task) -> Result<()> {
        let wipes = plan::wipes(steps);
        for step in steps {
            let name = step.name();
            task.phase(&name);
            let noted = journal.intent(&name);
            self.note(noted);
            let done = self.step(step, wipes);
            match (done, step) {
                (Ok(()), _) => {
                    let noted = journal.done(&name);
                    self.note(noted);
                }
                (Err(error), Step::StopKubelet { .. }) => return Err(error),
                (Err(error), _) => self.report.problems.push(format!("{error:#}")),
            }
        }
        if self.report.drop_ins.is_empty() { Ok(()) } else { systemd::daemon_reload(&self.deadline) }
    }

    /// A line of the journal that could not be written, on a full disk for one. What a next run needs is in its first line.
    fn note(&mut self, noted: Result<()>) {
        let warning = noted.err().map(|error| format!("{error:#}"));
        self.report.warnings.extend(warning.filter(|warning| !self.report.warnings.contains(warning)));
    }

    fn step(&mut self, step: &Step, wipes: bool) -> Result<()> {
        match step {
            Step::LeaveEtcd => etcd::leave(self),
            Step::StopKubelet { unit, .. } => kubelet::stop(self, *unit),
            Step::RemoveSandboxes(_) => pods::remove(self, wipes),
            Step::StopContainerd => runtime::stop(self),
            Step::EndPods(_) => pods::end(self, |kind| kind != Kind::Kubelet),
            Step::RemoveNetns(_) => pods::remove_netns(self),
            Step::RemoveImages(images) => {
                let (removed, problems) = pods::remove_images(images, &self.deadline)?;
                self.report.images = removed;
                self.report.problems.extend(problems);
                Ok(())
            }
            Step::Unmount(found) => self.unmount(found),
            Step::Delete(found) => self.delete(found),
            Step::Network => network::delete(self),
            Step::Firewall => firewall::delete(self),
            Step::DropIn(path, why) => kubelet::delete_drop_in(self, path, why),
            Step::Temporary(path) => {
                files::delete_file(path)?;
                self.report.removed.push(Removal { path: path.clone(), entries: 1, bytes: 0 });
                Ok(())
            }
            Step::ResetFailed(units) => {
                self.report.failed_units.clone_from(units);
                units.iter().try_for_each(|unit| systemd::reset_failed(unit, &self.deadline))
            }
            Step::RepairConfig(repair) => {
                repair.apply(&self.deadline)?;
                self.report.repaired = repair.sentences();
                Ok(())
            }
            Step::StartContainerd(bound) => runtime::start(self, bound),
            Step::Kubeconfig(edit) => kubectl::apply(self, edit),
        }
    }

    /// Whether containerd's database is held.
    pub fn has_sole(&self) -> bool {
        matches!(self.proof, Proof::Holds(_))
    }

    /// Lets go of it, so that containerd can open its new one.
    pub fn release(&mut self) {
        self.proof = Proof::NotAsked;
    }

    /// containerd's data goes only while it is proved to be Kubernetes' alone. Where that cannot be proved all of it is kept.
    fn may_empty(&mut self, found: &Found) -> bool {
        if found.target.part != Part::Containerd || !self.state.containerd.is_ours() {
            return true;
        }
        if matches!(self.proof, Proof::NotAsked) {
            let roots = &self.state.containerd.roots;
            self.proof = match Sole::prove(roots) {
                Ok(sole) => Proof::Holds(sole),
                Err(error) => {
                    let why = format!("it is not proved to be Kubernetes' alone: {error:#}");
                    self.report.problems.push(format!("emptying {}: {why}", roots.root.display()));
                    self.report.kept.push((roots.root.clone(), why));
                    Proof::Fails
                }
            };
        }
        self.has_sole()
    }

    fn unmount(&mut self, found: &Found) -> Result<()> {
        let path = &found.target.path;
        if !self.may_empty(found) {
            return Ok(());
        }
        let done = mounts::unmount_below(path, &self.deadline.at_most(UNMOUNT));
        if done.as_ref().map_or(true, |done| !done.left.is_empty()) {
            self.blocked.insert(path.clone());
        }
        let done = done.with_context(|| format!("unmounting what is below {}", path.display()))?;
        for left in done.left {
            let problem = format!("unmounting {left}; {} was not deleted", path.display());
            self.report.problems.push(problem);
        }
        Ok(())
    }

    fn delete(&mut self, found: &Found) -> Result<()> {
        let path = &found.target.path;
        if !found.users.is_empty() {
            let users = found.users.join(", ");
            self.report.problems.push(format!("deleting {}: {users}; unmount that first", path.display()));
            self.report.kept.push((path.clone(), users));
            return Ok(());
        }
        if !self.may_empty(found) {
            return Ok(());
        }
        if self.blocked.contains(path) {
            self.report.kept.push((path.clone(), "something is still mounted below it, or uses it".to_owned()));
            return Ok(());
        }
        // Mounted since the plan was made: by a pod that was dying.
        if !mounts::below(&mounts::table()?, path).is_empty() {
            self.unmount(found)?;
            if self.blocked.contains(path) {
                return self.delete(found);
            }
        }
        let Some(held) = remove::Target::open(path)? else { return Ok(()) };
        let keep = Keep::spare(&found.spare);
        let removed = remove::remove(held.last_look()?, found.target.what, keep, &self.deadline)?;
        self.report.removed.push(Removal { path: path.clone(), entries: removed.entries, bytes: removed.bytes });
        let more = removed.kept_count.saturating_sub(removed.kept.len() as u64);
        self.report.problems.extend(removed.kept.iter().map(|kept| format!("deleting {}", shorten(&kept.to_string()))));
        if more > 0 {
            self.report.problems.push(format!("deleting {}: {more} more could not be deleted", path.display()));
        }
        Ok(())
    }
}

/// A path of ten thousand components helps nobody.
fn shorten(text: &str) -> String {
    let (head, tail) = (text.char_indices().nth(200), text.char_indices().rev().nth(150));
    match (head, tail) {
        (Some((head, _)), Some((tail, _))) if head < tail => format!("{}[...]{}", &text[..head], &text[tail..]),
        _ => text.to_owned(),
    }
}

/// Whether a path lies below one of these.
pub fn below_any(path: &Path, directories: &[&str]) -> bool {
    directories.iter().any(|directory| path.starts_with(directory))
}
