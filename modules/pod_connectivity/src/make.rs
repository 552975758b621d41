//! Making the checks: one thread per source, in its network namespace.

use crate::args::Args;
use crate::checks::{Check, Checks, Place};
use crate::observe::Pod;
use crate::probe::{Fault, Probe};
use host::deadline::Deadline;
use host::netns;
use std::time::Duration;

/// The most that a check from a sandbox of ours waits: what has no pod is taken away by the kubelet, within two seconds.
const HASTE: Duration = Duration::from_millis(500);

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The pod it was made from.
    pub source: Pod,
    /// The check.
    pub check: Check,
    /// The time of the answer, or why there was none; nothing when the node itself cannot do it either.
    pub result: Option<Result<Duration, Fault>>,
}

/// Makes all checks. Sources are gone through at the same time, the checks of one source one after the other, so that
/// they do not disturb each other; but all at once from a sandbox of ours.
pub fn make(args: &Args, checks: &Checks, deadline: &Deadline) -> Vec<Made> {
    let mut groups: Vec<(&Pod, Vec<&Check>)> = Vec::new();
    for (index, source) in checks.sources.iter().enumerate() {
        let of_it = checks.all.iter().filter(|(of, _)| *of == index).map(|(_, check)| check);
        match source.temporary {
            true => groups.extend(of_it.map(|check| (source, vec![check]))),
            false => groups.push((source, of_it.collect())),
        }
    }
    std::thread::scope(|scope| {
        let one = |(source, checks)| scope.spawn(move || from(source, checks, args, deadline));
        let threads: Vec<_> = groups.into_iter().map(one).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// What leads outside and failed is tried from the node: what that cannot reach says nothing about pods.
pub fn forget_unreachable(args: &Args, made: &mut [Made]) {
    let mut tried: Vec<(Probe, bool)> = Vec::new();
    for made in made.iter_mut().filter(|made| made.check.place == Place::Outside) {
        if !matches!(made.result, Some(Err(_))) {
            continue;
        }
        let probe = &made.check.probe;
        let known = tried.iter().find(|(other, _)| other == probe).map(|(_, reached)| *reached);
        let reached = known.unwrap_or_else(|| probe.run(args.check_timeout()).is_ok());
        tried.push((probe.clone(), reached));
        if !reached {
            made.result = None;
        }
    }
}

fn from(source: &Pod, checks: Vec<&Check>, args: &Args, deadline: &Deadline) -> Vec<Made> {
    let made = |check: &Check, result| Made { source: source.clone(), check: check.clone(), result: Some(result) };
    let all = || Ok(checks.iter().map(|check| made(check, run(&check.probe, source, args, deadline))).collect());
    netns::inside(&source.netns, all).unwrap_or_else(|error| {
        let fault = Fault::Other(format!("{error:#}"));
        checks.iter().map(|check| made(check, Err(fault.clone()))).collect()
    })
}

/// A single silence is no fault: neighbours may still be being learned. A sandbox of ours has no time for a second try.
fn run(probe: &Probe, source: &Pod, args: &Args, deadline: &Deadline) -> Result<Duration, Fault> {
    let timeout = if source.temporary { args.check_timeout().min(HASTE) } else { args.check_timeout() };
    let once = || match deadline.left().min(timeout) {
        Duration::ZERO => Err(Fault::Other("not checked: the time for all checks was used up".into())),
        left => probe.run(left),
    };
    match once() {
        Err(Fault::Silence | Fault::Unreachable(_)) if !source.temporary => once(),
        other => other,
    }
}
