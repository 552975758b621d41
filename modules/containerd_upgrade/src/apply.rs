//! Copies, stops, swaps, starts and proves; or brings everything back.

use crate::args::Args;
use crate::journal::{self, Begun, Journal, Step};
use crate::plan::Plan;
use crate::prove::{self, Failed};
use crate::{copies, known, package, swap};
use ansible::{Done, Failure, Run};
use anyhow::Context as _;
use host::deadline::Deadline;
use serde_json::Value;
use std::time::{Duration, Instant, SystemTime};

/// What the way back may take, whatever the way forth has left of the budget.
const BACK: Duration = Duration::from_secs(300);

/// What was done.
#[derive(Debug, Default)]
pub struct Upgraded {
    /// In words.
    pub steps: Vec<String>,
    /// Programs or configuration were touched.
    pub touched: bool,
    /// The new one is proved.
    pub proved: bool,
    /// Which part of the proof failed.
    pub failed_proof: Option<&'static str>,
    /// The old one is back, and proved.
    pub back: bool,
    /// From stopping the kubelet to the end.
    pub seconds: f64,
    /// Seconds for which the cluster saw the Node not Ready, at most; none when it was not asked.
    pub not_ready: Option<f64>,
    /// Pods that run no more, and are made anew.
    pub restarted: Vec<String>,
}

impl Done for Upgraded {
    fn is_change(&self) -> bool {
        self.touched
    }
}

/// Does it.
pub fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Upgraded) -> anyhow::Result<()> {
    let (begun, journal, back) = match (plan.upgrade, plan.unfinished) {
        (Some(upgrade), _) => {
            let mut begun = upgrade.begun.clone();
            prepare(args, &upgrade, &mut begun, run)?;
            let journal = Journal::begin(&begun)?;
            journal.step(Step::Copied)?;
            (begun, journal, None)
        }
        (None, Some(unfinished)) => {
            let (begun, step) = *unfinished;
            done.steps.push(format!("took up an upgrade from {} to {} that was interrupted", begun.from, begun.to));
            let back = if let Step::Back(why) = step { Some(why) } else { None };
            (begun, Journal::open()?, back)
        }
        (None, None) => return Ok(()),
    };
    let started = Instant::now();
    let result = match back {
        Some(why) => Err(anyhow::anyhow!(why)),
        None => forward(args, begun.clone(), &journal, run, done),
    };
    let result = match result {
        Ok(()) => Ok(()),
        Err(why) => {
            // With what was known when containerd was stopped.
            let begun = journal::unfinished().ok().flatten().map_or(begun, |(begun, _)| begun);
            done.failed_proof = why.downcast_ref::<Failed>().map(|failed| failed.proof.name());
            Err(returned(args, &begun, &journal, &why, run, done))
        }
    };
    done.seconds = started.elapsed().as_secs_f64();
    result
}

/// Everything that can be done, and can fail, before anything is touched.
fn prepare(args: &Args, upgrade: &crate::plan::Upgrade, begun: &mut Begun, run: &Run) -> anyhow::Result<()> {
    if begun.known.network.is_some() {
        run.phase("seeing that a new pod runs on the old one");
        prove::new_pod(args.socket_path(), begun.known.systemd_cgroup, &run.deadline)
            .context("a new pod does not run on the containerd of now, so it could not be told whether one runs on the new one; nothing was touched")?;
    }
    run.phase("copying what is here and what comes");
    begun.at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    copies::make(upgrade, begun, &run.deadline).context("making the copies; nothing was touched")
}

fn forward(args: &Args, begun: Begun, journal: &Journal, run: &Run, done: &mut Upgraded) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    run.phase(&format!("stopping containerd {}", begun.from));
    journal.step(Step::Stopping)?;
    done.touched = true;
    let stopped = Instant::now();
    swap::stop_kubelet(&begun, deadline)?;
    let begun = settled(args, begun, journal, deadline)?;
    swap::stop(&begun, deadline)?;
    copies::database(&begun)?;
    run.phase(&format!("putting containerd {} in", begun.to));
    journal.step(Step::Swapping)?;
    swap::forward(&begun, deadline)?;
    run.phase(&format!("proving containerd {}", begun.to));
    journal.step(Step::Proving)?;
    let known = prove::runtime(&begun, args.socket_path(), deadline)?;
    let node = prove::node(&begun, &known.version, deadline)?;
    done.restarted.clone_from(&begun.known.leaking);
    done.not_ready = node.map(|node| not_ready(&begun, &node, stopped));
    done.steps.push(format!("containerd {} became {}", begun.from, begun.to));
    done.steps.extend(begun.config.iter().map(|file| format!("converted {}", file.path.display())));
    journal.step(Step::Finished)?;
    done.proved = true;
    copies::done()
}

/// With the kubelet stopped nothing comes or goes but what ends by itself: what has to be there afterwards is what is there
/// now. A run that was interrupted after that has it in its journal.
fn settled(args: &Args, mut begun: Begun, journal: &Journal, deadline: &Deadline) -> anyhow::Result<Begun> {
    if begun.settled {
        return Ok(begun);
    }
    begun.known =
        known::look(args.socket_path(), deadline).context("looking at what is here, before containerd is stopped")?;
    begun.settled = true;
    journal.again(&begun)?;
    Ok(begun)
}

/// A Node whose condition has not changed since was Ready all the time, as far as the cluster knows.
fn not_ready(begun: &Begun, node: &Value, stopped: Instant) -> f64 {
    match (prove::ready_since(node), &begun.ready_since) {
        (now, before) if now == *before => 0.0,
        _ => stopped.elapsed().as_secs_f64(),
    }
}

/// Brings the old one back, and says what became of it.
fn returned(
    args: &Args,
    begun: &Begun,
    journal: &Journal,
    why: &anyhow::Error,
    run: &Run,
    done: &mut Upgraded,
) -> anyhow::Error {
    run.phase(&format!("going back to containerd {}", begun.from));
    done.touched = true;
    // What was in force once is in force again only when it is said so below.
    let why = format!("{why:#}");
    let noted = journal.step(Step::Back(why.clone()));
    let deadline = Deadline::after(BACK);
    let outcome = noted.and_then(|()| go_back(args, begun, &deadline, done));
    match outcome {
        Ok(state) => {
            done.back = true;
            let finished = journal.step(Step::Finished).err().map(|error| format!(", though {error:#}")).unwrap_or_default();
            Failure::new(format!("{why}; containerd {} is back, {state}{finished}", begun.from)).into()
        }
        Err(error) => Failure::new(format!(
            "{why}; going back to containerd {} failed as well: {error:#}; run it again to go on with that, the copies are in {}",
            begun.from,
            crate::journal::COPIES
        ))
        .into(),
    }
}

fn go_back(args: &Args, begun: &Begun, deadline: &Deadline, done: &mut Upgraded) -> anyhow::Result<String> {
    swap::stop(begun, deadline)?;
    swap::back(begun, deadline)?;
    let known = match prove::start(args.socket_path(), &deadline.at_most(Duration::from_secs(110))) {
        Ok(known) => known,
        Err(error) => {
            // What the new one has written may be more than the old one reads: then the record of before is put in its place.
            let (Some(database), record) = (&begun.database, copies::record()) else { return Err(error) };
            if !record.exists() {
                return Err(error);
            }
            swap::stop(begun, deadline)?;
            copies::copy_to(&record, database)?;
            done.steps.push("put the record of the metadata database back, because the old containerd did not start with that of the new one".into());
            prove::start(args.socket_path(), deadline)?
        }
    };
    let lost: Vec<String> = begun
        .known
        .pods
        .iter()
        .filter(|(id, _)| !known.pods.iter().any(|(there, _)| there == id))
        .map(|(_, pod)| pod.clone())
        .collect();
    done.restarted.clone_from(&lost);
    done.steps.push(format!("containerd {} is back", begun.from));
    package::hold(&begun.held, deadline)?;
    let node = prove::node(begun, &known.version, deadline)?;
    let pods = if lost.is_empty() {
        "every pod that ran runs".to_owned()
    } else {
        format!("pods that are made anew: {}", lost.join(", "))
    };
    Ok(match (&begun.node, node) {
        (Some(name), Some(_)) => format!("Node {name} is Ready with it, and {pods}"),
        _ => format!("it answers, and {pods}"),
    })
}
