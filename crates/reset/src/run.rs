//! A run: the node as it was, what has been done, and what must be left alone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use host::deadline::Deadline;

use crate::args::Part;
use crate::done::Done;
use crate::observe::State;
use crate::parts::runtime::sole::Sole;
use crate::trees::backup::Backup;
use crate::trees::look::Found;

/// The run.
pub struct Run<'a> {
    /// The node before it.
    pub state: &'a State,
    /// For all of it.
    pub deadline: Deadline,
    /// What has been done so far.
    pub report: Done,
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
