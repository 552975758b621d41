//! The join, attempt by attempt, between opening the kubelet's gate and taking it away.

use crate::args::Args;
use crate::attempt::{self, Attempt};
use crate::decide::{self, Next, Tried};
use crate::leftovers::{self, Snapshot};
use crate::observe::{State, UNIT};
use crate::plan::{Mend, Plan};
use crate::{log, node, prepare, prove, remedy, report};
use ansible::{Failure, Outcome, Task};
use host::deadline::{Deadline, Look};
use host::{files, systemd};
use kubeadm::classify::{Finding, Texts, classify};
use kubeadm::gate::{self, Unit};
use kubeadm::lock;
use kubeadm::program;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};

/// Taking back must not fail because the join took all the time.
const TAKE_BACK: Duration = Duration::from_secs(20);

/// Everything that is said at the end, also of a failure.
struct Story {
    outcome: Outcome,
    attempts: Vec<Value>,
    history: Vec<Tried>,
    steps: Vec<String>,
}

/// Does what the plan says, and proves it.
pub fn apply(
    args: &Args,
    state: &State,
    plan: &Plan,
    outcome: Outcome,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<Outcome> {
    let mut story = Story { outcome, attempts: Vec::new(), history: Vec::new(), steps: Vec::new() };
    let _lock = lock::take()?;
    match plan {
        Plan::Nothing => Ok(story.outcome),
        Plan::Mend(steps) => {
            let since = SystemTime::now();
            mend(steps, deadline, &mut story)?;
            match prove::prove(deadline) {
                Ok(proof) => Ok(finish(story, state, proof, "is mended and healthy")),
                Err(finding) => Err(fail(args, state, cause(finding, since, deadline), story)),
            }
        }
        Plan::Join { leftovers } => join(args, state, *leftovers, task, deadline, story),
    }
}

fn join(
    args: &Args,
    state: &State,
    leftovers: bool,
    task: &Task,
    deadline: &Deadline,
    mut story: Story,
) -> anyhow::Result<Outcome> {
    args.discovery()?;
    // A run that was killed may have left its configuration, with the token in it.
    files::delete_file(attempt::config_path())?;
    let was_running = state.unit.running();
    let _abort = ansible::on_abort(move || take_back(None, was_running));
    if leftovers {
        let removed = leftovers::remove_credentials(deadline)?;
        story.steps.extend(removed.into_iter().map(|path| format!("removed {path}")));
    }
    gate::open_for_join(&state.unit, deadline)?;
    task.phase("prerequisites");
    let prepared = prepare::prepare(args, deadline);
    story.outcome.set("prerequisites", &prepared.complaints);
    story.steps.extend(prepared.steps);
    prepared.warnings.into_iter().for_each(|warning| story.outcome.warn(warning));
    let result = attempts(args, state, was_running, task, deadline, &mut story);
    match result {
        Ok(proof) => {
            let deadline = Deadline::after(TAKE_BACK);
            gate::lift(UNIT, &deadline)?;
            enable(&deadline, &mut story)?;
            task.phase("node");
            let patience = args.patience();
            let seen = node::look(&state.node_name, &args.cri_socket, patience, &Deadline::after(patience + TAKE_BACK));
            node::complaints(&seen).into_iter().for_each(|words| story.outcome.warn(words));
            story.outcome.set("node", seen);
            Ok(finish(story, state, proof, "has joined"))
        }
        Err(Ended { finding, keep }) => {
            if keep {
                gate::lift(UNIT, &Deadline::after(TAKE_BACK))?
            } else {
                take_back(None, was_running)
            }
            Err(fail(args, state, finding, story))
        }
    }
}

/// The end of all attempts without a join.
struct Ended {
    finding: Finding,
    /// kubeadm itself succeeded: the node is registered, and taking files away would only hide that.
    keep: bool,
}

fn attempts(
    args: &Args,
    state: &State,
    was_running: bool,
    task: &Task,
    deadline: &Deadline,
    story: &mut Story,
) -> Result<Value, Ended> {
    let fault = |e: anyhow::Error| Ended { finding: Finding::of("unknown", &format!("{e:#}")), keep: false };
    loop {
        let began = Instant::now();
        let since = SystemTime::now();
        let before = Snapshot::take().map_err(fault)?;
        let kept = before.clone();
        let _abort = ansible::on_abort(move || take_back(Some(&kept), was_running));
        let attempt = attempt::attempt(args, state, task, deadline).map_err(fault)?;
        if attempt.succeeded() {
            story.outcome.set("stdout", &attempt.stdout);
            story.outcome.set("stderr", &attempt.stderr);
            story.outcome.set("phases", &attempt.phases);
            record(args, state, &attempt, &[], story);
            return proved(since, deadline, story).map_err(|finding| Ended { finding, keep: true });
        }
        // Taken back before the remedy: kubeadm does not join over what it wrote itself.
        before.undo(&Deadline::after(TAKE_BACK)).map_err(fault)?;
        let Some(tried) = report::tried(&attempt, began.elapsed().as_secs_f64()) else {
            return Err(fault(anyhow::anyhow!("a failure without a cause")));
        };
        story.history.push(tried);
        let next = decide::next(args, &story.history, deadline.left(), jitter());
        let finding = attempt.findings[0].clone();
        let Next::Again { remedy, pause } = next else {
            story.outcome.set("stdout", &attempt.stdout);
            story.outcome.set("stderr", &attempt.stderr);
            story.outcome.set("journal", log::tail(&attempt.journal, 50));
            record(args, state, &attempt, &[], story);
            return Err(Ended { finding, keep: false });
        };
        task.phase("remedy");
        let done = match remedy::apply(remedy, args, task, deadline) {
            Ok(done) => done,
            Err(e) => vec![format!("not mended: {e:#}")],
        };
        record(args, state, &attempt, &done, story);
        story.steps.extend(done);
        wait(pause, deadline);
    }
}

/// kubeadm says that the node has joined. What is wrong nevertheless is mended once, as on a node joined long ago.
fn proved(since: SystemTime, deadline: &Deadline, story: &mut Story) -> Result<Value, Finding> {
    prove::prove(deadline).or_else(|finding| {
        let steps = if std::path::Path::new(gate::CONFIG).exists() {
            vec![Mend::Restart]
        } else {
            vec![Mend::FetchConfig, Mend::Restart]
        };
        match mend(&steps, deadline, story) {
            Ok(()) => prove::prove(deadline).map_err(|finding| cause(finding, since, deadline)),
            Err(_) => Err(cause(finding, since, deadline)),
        }
    })
}

fn mend(steps: &[Mend], deadline: &Deadline, story: &mut Story) -> anyhow::Result<()> {
    for step in steps {
        match step {
            Mend::Release => gate::release(&Unit::observe(UNIT, deadline)?, deadline)?,
            Mend::FetchConfig => {
                program::kubeadm().args(["upgrade", "node", "phase", "kubelet-config"]).run(deadline)?.success()?;
            }
            Mend::Start | Mend::Restart => {
                story.steps.extend(kubeadm::dropin::mend(UNIT, deadline)?);
                systemd::reset_failed(UNIT, deadline)?;
                if *step == Mend::Start { systemd::start(UNIT, deadline)? } else { systemd::restart(UNIT, deadline)? }
            }
        }
        story.steps.push(step.words().into());
    }
    Ok(())
}

/// A kubelet that is not well: its journal knows why.
fn cause(finding: Finding, since: SystemTime, deadline: &Deadline) -> Finding {
    let words = attempt::journal(UNIT, since, deadline);
    let words = kubeadm::redact::redact(&words);
    let found = classify(&Texts { kubelet: &words, ..Texts::default() });
    found.into_iter().find(|other| !other.row.symptom).unwrap_or(finding)
}

/// A node whose kubelet does not start at boot would be lost at the next one.
fn enable(deadline: &Deadline, story: &mut Story) -> anyhow::Result<()> {
    if Unit::observe(UNIT, deadline)?.file_state == "disabled" {
        systemd::enable(UNIT, deadline)?;
        story.steps.push(format!("enabled {UNIT}"));
    }
    Ok(())
}

/// Leaves the node as it was: no configuration with a token, no gate, no kubelet that tries in vain.
fn take_back(snapshot: Option<&Snapshot>, was_running: bool) {
    let deadline = Deadline::after(TAKE_BACK);
    // Each step is tried, whatever became of the one before; the next run finds and undoes what could not be undone.
    let _ = files::delete_file(attempt::config_path());
    let _ = leftovers::remove_bootstrap();
    let _ = snapshot.map(|snapshot| snapshot.undo(&deadline));
    let _ = gate::lift(UNIT, &deadline);
    if !was_running {
        let _ = systemd::stop(UNIT, &deadline);
    }
}

fn record(args: &Args, state: &State, attempt: &Attempt, remedy: &[String], story: &mut Story) {
    let number = story.attempts.len() + 1;
    let tried = if attempt.succeeded() { None } else { story.history.last() };
    // A log that cannot be written fails no join.
    let log = match log::write(&args.log_path, &state.node_name, number, attempt, tried) {
        Ok(path) => Some(path),
        Err(e) => {
            story.outcome.warn(format!("{e:#}"));
            None
        }
    };
    story.attempts.push(report::attempt(attempt, remedy, log.as_deref()));
}

fn finish(story: Story, state: &State, proof: Value, verb: &str) -> Outcome {
    let msg = format!("{} {verb}", state.node_name);
    let Story { outcome, attempts, steps, .. } = story;
    outcome.msg(msg).field("joined", true).field("attempts", attempts).field("steps", steps).field("proof", proof)
}

fn fail(args: &Args, state: &State, finding: Finding, story: Story) -> anyhow::Error {
    let Story { outcome, attempts, steps, .. } = story;
    let sentence = report::sentence(args, state, &finding, attempts.len().max(1));
    let changed = !steps.is_empty();
    let mut failure = Failure::new(sentence).with(outcome.changed(changed)).field("joined", false);
    for (name, value) in report::verdict(args, &finding) {
        failure = failure.field(name, value);
    }
    failure.field("attempts", attempts).field("steps", steps).into()
}

fn wait(pause: Duration, deadline: &Deadline) {
    // A wait that is meant to run out is no error.
    let _ = deadline.at_most(pause).poll::<()>(pause, "the next attempt", || Ok(Look::NotYet(String::new())));
}

/// 0 to 1, different on every node and at every time.
fn jitter() -> f64 {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    random as f64 / u64::MAX as f64
}
