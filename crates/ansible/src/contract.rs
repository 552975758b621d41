//! What a module is, as a type, and the one runner of it.
//!
//! A module says what it looks at, what it would do and how it does it. When that happens, what `changed` and the diff
//! say, what check mode leaves out, who holds which lock and what a failed run still tells is decided here, once, so that
//! no two modules can differ in it. Check mode is [`Contract::observe`] and [`Contract::plan`]; a real run goes on with
//! [`Contract::apply`].

use crate::{Diff, Failure, Module, Outcome, Params, Spec, Task};
use anyhow::bail;
use host::deadline::Deadline;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::time::Duration;

/// One module. `State` and `Plan` are plain values: [`Contract::plan`] is given nothing that it could do I/O with.
pub trait Contract: 'static {
    /// The options, read.
    type Args: DeserializeOwned;
    /// What was found.
    type State;
    /// What to do about it.
    type Plan: Plan;
    /// What was done, collected while it is being done.
    type Done: Done;

    /// The options as data.
    const SPEC: &'static Spec;

    /// Whether it may take longer than a look: then it runs by itself on the target and is followed, so that a lost
    /// connection does not end it half way. What is certain to be quick says no, and is spared the second process.
    const LONG: bool = true;

    /// How often a real run looks, plans and applies before it says that something is still to be done. More than once is for
    /// work whose beginning changes what the rest depends on; then the last look is the proof that nothing is left.
    const ROUNDS: u32 = 1;

    /// Refuses options that cannot be meant, naming the option, its value and what would be right.
    fn validate(_args: &Self::Args) -> anyhow::Result<()> {
        Ok(())
    }

    /// How long all of it may take.
    fn budget(args: &Self::Args) -> Duration;

    /// What must be held while a real run looks and works. Check mode holds nothing: it may run beside anything.
    fn locks(_args: &Self::Args) -> anyhow::Result<Locks> {
        Ok(Vec::new())
    }

    /// Waits for what others have to do first. Only a real run waits: check mode tells what there is now.
    fn wait(_args: &Self::Args, _run: &Run) -> anyhow::Result<()> {
        Ok(())
    }

    /// Looks, and decides nothing. It cannot know whether this is check mode, so that both see the same.
    fn observe(args: &Self::Args, run: &Run) -> anyhow::Result<Self::State>;

    /// Decides, from what was found alone.
    fn plan(args: &Self::Args, state: &Self::State) -> anyhow::Result<Self::Plan>;

    /// Does what the plan says, and writes down what it did as it does it: after an error `done` is what has changed.
    fn apply(args: &Self::Args, plan: Self::Plan, run: &Run, done: &mut Self::Done) -> anyhow::Result<()>;

    /// The sentence and the fields of the answer. `done` is there after a real run that had something to do; without it
    /// the plan is all there is to tell. An error is for what was found or done and is not good enough; a [`Failure`] keeps
    /// the fields. `changed` and the diff are not its business.
    fn report(
        args: &Self::Args,
        state: &Self::State,
        plan: &Self::Plan,
        done: Option<&Self::Done>,
    ) -> anyhow::Result<Outcome>;
}

/// Files or other things held until the run is over; dropping them lets go.
pub type Locks = Vec<Box<dyn Any>>;

/// What is to be done.
pub trait Plan: Clone {
    /// Whether nothing is: a second run's plan is.
    fn is_empty(&self) -> bool;

    /// Whether doing it changes anything, which is what check mode answers. A plan may be all waiting or proving: of that
    /// there is something to do, and nothing changes.
    fn is_change(&self) -> bool {
        !self.is_empty()
    }

    /// In words, for who has to be told that it is still to be done.
    fn in_words(&self) -> String {
        String::new()
    }

    /// The plan as `--diff` shows it, in check mode and in a real run alike.
    fn diff(&self) -> Vec<Diff> {
        Vec::new()
    }
}

/// What was done.
pub trait Done: Default {
    /// Whether the machine or the cluster is another than before.
    fn is_change(&self) -> bool;
}

/// The sentences of the steps that were done, for modules that need no more than that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps(pub Vec<String>);

impl Steps {
    /// Writes a finished step down.
    pub fn did(&mut self, step: impl Into<String>) {
        self.0.push(step.into());
    }
}

impl Done for Steps {
    fn is_change(&self) -> bool {
        !self.0.is_empty()
    }
}

/// A module that only looks does nothing.
impl Done for () {
    fn is_change(&self) -> bool {
        false
    }
}

/// What observing and applying may know of the run: the time there is, and whom to tell which phase begins.
#[derive(Debug)]
pub struct Run<'a> {
    task: &'a Task,
    /// The moment by which all of it has to be done.
    pub deadline: Deadline,
}

impl Run<'_> {
    /// Says which phase begins; see [`Task::phase`].
    pub fn phase(&self, name: &str) {
        self.task.phase(name);
    }
}

impl Module {
    /// The module that fulfils the contract `M`.
    pub const fn of<M: Contract>() -> Self {
        Module { spec: M::SPEC, run: run::<M>, read: read::<M>, long: M::LONG }
    }
}

fn read<M: Contract>(params: Params) -> anyhow::Result<()> {
    M::validate(&params.parse()?)
}

fn run<M: Contract>(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: M::Args = params.parse()?;
    run_with::<M>(&args, task)
}

/// Runs the module with options that are read already.
pub fn run_with<M: Contract>(args: &M::Args, task: &Task) -> anyhow::Result<Outcome> {
    M::validate(args)?;
    let run = Run { task, deadline: Deadline::after(M::budget(args)) };
    let _held = if task.check_mode { Vec::new() } else { M::locks(args)? };
    if !task.check_mode {
        M::wait(args, &run)?;
    }
    let state = M::observe(args, &run)?;
    let plan = M::plan(args, &state)?;
    let diff = plan.diff();
    if task.check_mode || plan.is_empty() {
        let reported = M::report(args, &state, &plan, None);
        return told(reported, Outcome::new().changed(plan.is_change()).diff(diff));
    }
    let mut done = M::Done::default();
    let applied = rounds::<M>(args, plan.clone(), &run, &mut done);
    let reported =
        told(M::report(args, &state, &plan, Some(&done)), Outcome::new().changed(done.is_change()).diff(diff));
    match (applied, reported) {
        (Ok(()), reported) => reported,
        // What a report says against a run that failed is a consequence of that.
        (Err(error), Ok(outcome)) => Err(failure(error).with(outcome).into()),
        (Err(error), Err(report)) => Err(failure(error).with(failure(report).into_outcome()).into()),
    }
}

/// Applies, and looks again as often as the module wants it.
fn rounds<M: Contract>(args: &M::Args, mut plan: M::Plan, run: &Run, done: &mut M::Done) -> anyhow::Result<()> {
    for _ in 0..M::ROUNDS {
        M::apply(args, plan, run, done)?;
        if M::ROUNDS == 1 {
            return Ok(());
        }
        plan = M::plan(args, &M::observe(args, run)?)?;
        if plan.is_empty() {
            return Ok(());
        }
    }
    bail!("still to be done after it was done {} times: {}", M::ROUNDS, plan.in_words())
}

/// What the module reports, with what the runner knows.
fn told(reported: anyhow::Result<Outcome>, known: Outcome) -> anyhow::Result<Outcome> {
    match reported {
        Ok(outcome) => Ok(outcome.changed(known.changed).diff(known.diff)),
        Err(error) => Err(failure(error).with(known).into()),
    }
}

/// A failure keeps the fields that it was raised with.
fn failure(error: anyhow::Error) -> Failure {
    match error.downcast::<Failure>() {
        Ok(failure) => failure,
        Err(error) => Failure::new(format!("{error:#}")),
    }
}

#[cfg(test)]
#[path = "contract_tests.rs"]
mod tests;
