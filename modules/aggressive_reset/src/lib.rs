//! `aggressive_reset`: takes a node out of its cluster, and loses nothing that is not Kubernetes' own.
//!
//! `args -> observe -> (refuse) -> plan -> apply -> prove`. kubeadm's own reset is not run: it deletes through mounts
//! (kubeadm 1.22.6, run). Its work is done here, except leaving etcd. Each part of the work is a file or folder of `parts`; what is deleted as files is decided in `trees`.
//! [`reset`] is for modules that clean up as a step of their own work.

mod apply;
pub mod args;
mod done;
mod journal;
mod lock;
mod observe;
mod parts;
mod plan;
mod prove;
mod refuse;
mod render;
mod report;
mod run;
mod trees;
mod words;

use ansible::{Failure, Module, Outcome, Params, Task};
use host::deadline::Deadline;

use args::Args;
use done::Done;
use journal::{Begun, Journal};

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    work(&args, task, Caller::User)
}

/// Resets this node as the options say, for a module that holds `kubeadm::lock`. In check mode nothing is touched, and the
/// outcome says what would be.
pub fn reset(args: &Args, task: &Task) -> anyhow::Result<Outcome> {
    work(args, task, Caller::Join)
}

/// Who wants the reset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    /// A task or a person: a join or init at work must not have the node pulled from under it.
    User,
    /// The join or init that is at work.
    Join,
}

fn work(args: &Args, task: &Task, caller: Caller) -> anyhow::Result<Outcome> {
    args.validate()?;
    let deadline = Deadline::after(args.budget());
    let real = !task.check_mode;
    let _lock = if real { Some(lock::take(args.level.name())?) } else { None };
    let _joins = if real && caller == Caller::User { Some(kubeadm::lock::take()?) } else { None };
    // An interrupted run had reasons to go further: it is finished first.
    let args = &journal::unfinished()?.map_or_else(|| args.clone(), |(begun, _)| args.and(&begun));
    task.phase("looking at the node");
    let state = observe::observe(args, caller, &deadline)?;
    if let Some(refusal) = refuse::refuse(args, &state) {
        return Err(refusal.into());
    }
    let steps = plan::plan(args, &state);
    let diff = render::diff(args, &state, &steps);
    if task.check_mode || steps.is_empty() {
        let report = Done::planned(&state, &steps);
        let outcome = report
            .outcome(args, &state, &steps)
            .diff(diff)
            .field("preserved", state.preserved.iter().map(|found| found.to_json(None)).collect::<Vec<_>>());
        if !task.check_mode && state.unfinished.is_some() {
            Journal::forget()?;
        }
        return Ok(outcome.msg(report.summary(args, &state, &steps, task.check_mode)));
    }
    let mut journal = Journal::begin(begun(args, &state))?;
    let mut run = run::Run::new(&state, deadline);
    let applied = run.apply(&steps, &mut journal, task);
    let mut report = run.report;
    report.backup = run.backup.made().map(|directory| directory.to_owned());
    report.look_back(&state, &steps)?;
    task.phase("comparing what was to be kept");
    let proof = prove::prove(args, &state, &deadline)?;
    report.problems.extend(proof.broken);
    report.warnings.extend(proof.notes);
    if applied.is_ok() {
        journal.finish()?;
    }
    let summary = report.summary(args, &state, &steps, false);
    let outcome = report.outcome(args, &state, &steps).diff(diff).field("preserved", proof.preserved);
    if let Err(error) = applied {
        return Err(Failure::new(format!("{error:#}; nothing was deleted")).with(outcome).into());
    }
    if report.problems.is_empty() {
        return Ok(outcome.msg(summary));
    }
    Err(Failure::new(format!("{summary}, but: {}", report.problems.join("; "))).with(outcome).into())
}

fn begun(args: &Args, state: &observe::State) -> Begun {
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
        level: args.level,
        parts: args.parts(),
        preserved: preserved.collect(),
        bound,
        pod_networks: state.network.pod_networks.iter().map(ToString::to_string).collect(),
        proved: state.proved.clone(),
    }
}
