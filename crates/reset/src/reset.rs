//! A reset from the look to the proof, for the module that a person runs and for a join that cleans up.

use std::sync::Arc;

use ansible::{Diff, Failure, Outcome};
use anyhow::{Result, anyhow};
use host::deadline::Deadline;

use crate::args::Args;
use crate::done::Done;
use crate::journal::{self, Begun, Journal};
use crate::lock::{self, Lock};
use crate::observe::{State, observe};
use crate::parts::temporary::RunFiles;
use crate::plan::{self, Step};
use crate::run::Run;
use crate::{prove, refuse, render};

/// What is done, with the node as it was when that was decided: the proof compares with it.
#[derive(Debug, Clone)]
pub struct Reset {
    seen: Arc<State>,
    steps: Arc<[Step]>,
}

/// One reset at a time.
pub fn take_lock(args: &Args) -> Result<Lock> {
    lock::take(args.level.name())
}

impl Reset {
    /// Decides; refuses what must not be done, before anything is touched.
    pub fn of(seen: &Arc<State>) -> Result<Self> {
        if let Some(refusal) = refuse::refuse(&seen.args, seen) {
            return Err(refusal.into());
        }
        Ok(Self { seen: seen.clone(), steps: plan::plan(&seen.args, seen).into() })
    }

    /// Does it, announces each step, and proves that what was to be kept is there.
    pub fn apply(&self, deadline: &Deadline, phase: &dyn Fn(&str), done: &mut Done) -> Result<()> {
        if self.steps.is_empty() {
            // What an interrupted run had left to do is done.
            return Journal::forget();
        }
        let mut journal = Journal::begin(self.begun())?;
        let mut run = Run::new(&self.seen, *deadline);
        let applied = run.apply(&self.steps, &mut journal, phase);
        *done = run.report;
        done.backup = run.backup.made().map(|directory| directory.to_owned());
        done.look_back(&self.seen, &self.steps)?;
        phase("comparing what was to be kept");
        let proof = prove::prove(&self.seen.args, &self.seen, deadline)?;
        done.problems.extend(proof.broken);
        done.warnings.extend(proof.notes);
        done.preserved = proof.preserved;
        match applied {
            Ok(()) => journal.finish(),
            Err(error) => Err(anyhow!("{error:#}; nothing was deleted")),
        }
    }

    /// The answer; an error when something was not as it had to be.
    pub fn report(&self, done: Option<&Done>) -> Result<Outcome> {
        let done = done.filter(|_| !self.steps.is_empty());
        let planned = || Done::planned(&self.seen, &self.steps);
        let said = done.cloned().unwrap_or_else(planned);
        let outcome = said.outcome(&self.seen.args, &self.seen, &self.steps);
        match self.sentence(&said, done.is_none()) {
            Ok(sentence) => Ok(outcome.msg(sentence)),
            Err(error) => Err(Failure::new(error.to_string()).with(outcome).into()),
        }
    }

    fn sentence(&self, said: &Done, planned: bool) -> Result<String> {
        let summary = said.summary(&self.seen.args, &self.seen, &self.steps, planned);
        anyhow::ensure!(said.problems.is_empty(), "{summary}, but: {}", said.problems.join("; "));
        Ok(summary)
    }

    fn begun(&self) -> Begun {
        let state = &self.seen;
        let earlier = state.unfinished.as_ref().map(|(begun, _)| begun);
        let mut bound = state.containerd.bound.clone();
        bound.extend(earlier.iter().flat_map(|begun| begun.bound.clone()));
        bound.sort();
        bound.dedup();
        // The older manifest is the one to compare with, run after run, until one has finished.
        let preserved = state.preserved.iter().map(|found| {
            let old = earlier.and_then(|begun| begun.preserved.iter().find(|old| old.path == found.path));
            old.unwrap_or(found).clone()
        });
        Begun {
            at: earlier.map_or_else(journal::now, |begun| begun.at),
            level: state.args.level,
            parts: state.args.parts(),
            preserved: preserved.collect(),
            bound,
            pod_networks: state.network.pod_networks.iter().map(ToString::to_string).collect(),
            proved: state.proved.clone(),
        }
    }
}

impl ansible::Plan for Reset {
    fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.seen.unfinished.is_none()
    }

    fn is_change(&self) -> bool {
        !self.steps.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        render::diff(&self.seen.args, &self.seen, &self.steps)
    }
}

/// Resets this node as a step of a join, which holds `kubeadm::lock`. Says in a sentence what was done.
pub fn within_a_join(args: &Args, phase: &dyn Fn(&str)) -> Result<String> {
    args.validate()?;
    let deadline = Deadline::after(args.budget());
    let _lock = take_lock(args)?;
    phase("looking at the node");
    let reset = Reset::of(&Arc::new(observe(args, RunFiles::InUse, &deadline)?))?;
    if ansible::Plan::is_empty(&reset) {
        return reset.sentence(&Done::planned(&reset.seen, &reset.steps), true);
    }
    let mut done = Done::default();
    reset.apply(&deadline, phase, &mut done)?;
    reset.sentence(&done, false)
}
