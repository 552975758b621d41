//! Making the checks: one thread per source, in its network namespace.

use crate::args::Args;
use crate::plan::{Check, Place, Plan};
use crate::probe::{Fault, Probe};
use host::deadline::Deadline;
use host::netns;
use std::time::Duration;

/// How a check went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Index of the source in the plan.
    pub source: usize,
    /// The check.
    pub check: Check,
    /// The time of the answer, or why there was none; nothing when the node itself cannot do it either.
    pub result: Option<Result<Duration, Fault>>,
}

/// A single silence is no fault: neighbours may still be being learned.
fn twice(probe: &Probe, timeout: Duration, deadline: &Deadline) -> Result<Duration, Fault> {
    let once = || match deadline.left().min(timeout) {
        Duration::ZERO => Err(Fault::Other("not checked: the time for all checks was used up".into())),
        left => probe.run(left),
    };
    match once() {
        Err(Fault::Silence | Fault::Unreachable(_)) => once(),
        other => other,
    }
}

/// Makes all checks. Sources are gone through at the same time, the checks of one source one after the other, so that
/// they do not disturb each other. What leads outside is tried from the node first: what that cannot reach says nothing
/// about pods.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline) -> Vec<Made> {
    let timeout = args.check_timeout();
    let outside = plan.checks.iter().filter(|(_, check)| check.place == Place::Outside).map(|(_, check)| &check.probe);
    let unreachable: Vec<_> = outside.filter(|probe| probe.run(timeout).is_err()).collect();
    let one = |(source, check): &(usize, Check)| Made {
        source: *source,
        check: check.clone(),
        result: (!unreachable.contains(&&check.probe)).then(|| twice(&check.probe, timeout, deadline)),
    };
    let from = |index: usize| {
        let checks: Vec<_> = plan.checks.iter().filter(|(source, _)| *source == index).collect();
        let all = netns::inside(&plan.sources[index].netns, || Ok(checks.iter().map(|check| one(check)).collect()));
        all.unwrap_or_else(|error| {
            let fault = Fault::Other(format!("{error:#}"));
            let failed = |(source, check): &&(usize, Check)| Made {
                source: *source,
                check: check.clone(),
                result: Some(Err(fault.clone())),
            };
            checks.iter().map(failed).collect::<Vec<_>>()
        })
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..plan.sources.len()).map(|index| scope.spawn(move || from(index))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}
