//! The steps, done, each announced in the journal. One that fails is remembered and the rest goes on; only a kubelet that
//! will not stop ends the run, because it would work against everything after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use ansible::Task;
use anyhow::Result;
use host::deadline::Deadline;
use host::processes::Kind;
use host::{files, systemd};

use crate::args::Part;
use crate::journal::Journal;
use crate::observe::State;
use crate::parts::runtime::sole::Sole;
use crate::parts::runtime::{self, pods};
use crate::parts::{etcd, firewall, kubectl, kubelet, network};
use crate::plan::{self, Step};
use crate::report::{Removal, Report};
use crate::trees::backup::Backup;
use crate::trees::delete;
use crate::trees::look::Found;

/// The run.
pub struct Run<'a> {
    /// The node before it.
    pub state: &'a State,
    /// For all of it.
    pub deadline: Deadline,
    /// What has been done so far.
    pub report: Report,
    /// Copies of what is deleted.
    pub backup: Backup,
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
        let (report, backup) = Default::default();
        Self { state, deadline, report, backup, blocked: BTreeSet::new(), proof: Proof::NotAsked }
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
            Step::Unmount(found) => delete::unmount(self, found),
            Step::Delete(found) => {
                let copied = self.backup.keep_of(found);
                // A disk that is full may be why the node is reset.
                self.note(copied);
                delete::delete(self, found)
            }
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

    /// Leaves a target alone from now on, and says why.
    pub fn leave(&mut self, path: &Path, why: &str) {
        self.report.problems.push(format!("deleting {}: {why}; nothing in it was deleted", path.display()));
        self.report.kept.push((path.to_owned(), why.to_owned()));
    }

    /// Leaves a target alone from now on: something is mounted in it.
    pub fn block_path(&mut self, path: &Path) {
        self.blocked.insert(path.to_owned());
    }

    /// Whether a target is to be left alone.
    pub fn is_blocked(&self, path: &Path) -> bool {
        self.blocked.contains(path)
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
    pub fn may_empty(&mut self, found: &Found) -> bool {
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
}
