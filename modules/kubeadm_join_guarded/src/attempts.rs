//! Attempt after attempt, each taken back before the next, with the remedy its diagnosis asks for in between.

use crate::args::Args;
use crate::attempt;
use crate::conclude::{Joined, conclude};
use crate::decide::{self, Next};
use crate::leftovers::Snapshot;
use crate::observe::State;
use crate::plan::Mend;
use crate::revert::{self, revert};
use crate::story::Story;
use crate::{mend, prove, remedy, report};
use host::deadline::Deadline;
use kubeadm::classify::{Class, Finding};
use kubeadm::gate;
use kubeadm::patience::jitter;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// The end of all attempts without a join.
pub struct Ended {
    /// Why.
    pub finding: Finding,
    /// kubeadm itself succeeded: the node is registered, and taking files away would only hide that.
    pub keep: bool,
}

/// Tries until it is proved, or the diagnosis, the retries or the time say that it is enough.
pub fn all(
    args: &Args,
    state: &State,
    was_running: bool,
    phase: &dyn Fn(&str),
    deadline: &Deadline,
    story: &mut Story,
) -> Result<Joined, Ended> {
    let fault = |e: anyhow::Error| Ended { finding: ours(&e), keep: false };
    loop {
        let began = Instant::now();
        let since = SystemTime::now();
        let before = Snapshot::take().map_err(fault)?;
        let kept = before.clone();
        let _abort = ansible::on_abort(move || revert(Some(&kept), was_running));
        let attempt = attempt::attempt(args, state, story.died_of.take(), phase, deadline).map_err(fault)?;
        story.took.mark("kubeadm");
        story.steps.extend(attempt.steps.iter().cloned());
        let Some(finding) = attempt.findings.first().cloned() else {
            story.record(args, state, attempt, Vec::new());
            phase("node");
            let joined = conclude(args, state, || proved(args, state, since, deadline, story));
            story.took.mark("proof");
            return joined.map_err(|finding| Ended { finding, keep: true });
        };
        // Before the remedy: kubeadm does not join over what it wrote itself.
        before.undo(&Deadline::after(revert::BUDGET)).map_err(fault)?;
        story.died_of = (finding.class() == Class::KubeletCrashing).then(|| finding.evidence.clone());
        story.history.extend(report::tried(&attempt, began.elapsed().as_secs_f64()));
        match decide::next(args, &story.history, deadline.left(), jitter()) {
            Next::GiveUp => {
                story.record(args, state, attempt, Vec::new());
                return Err(Ended { finding, keep: false });
            }
            Next::Again { remedy, pause } => {
                phase("remedy");
                let done = remedy::apply(remedy, args, phase, deadline);
                let done = done.unwrap_or_else(|e| vec![format!("not mended: {e:#}")]);
                story.record(args, state, attempt, done.clone());
                story.steps.extend(done);
                deadline.pause(pause);
                story.took.mark("remedy");
            }
        }
    }
}

/// What kept us, not kubeadm, from going on.
fn ours(error: &anyhow::Error) -> Finding {
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let class = match kind {
        Some(ErrorKind::StorageFull) => Class::DiskFull,
        Some(ErrorKind::ReadOnlyFilesystem) => Class::ReadOnly,
        _ => Class::Unknown,
    };
    Finding::of(class, &format!("{error:#}"))
}

/// kubeadm says that the node has joined. What is wrong nevertheless is mended once, as on a node joined long ago.
fn proved(
    args: &Args,
    state: &State,
    since: SystemTime,
    deadline: &Deadline,
    story: &mut Story,
) -> Result<Value, Finding> {
    prove::prove(deadline).or_else(|finding| {
        let configured = Path::new(gate::CONFIG).exists();
        let steps: &[Mend] = if configured { &[Mend::Restart] } else { &[Mend::FetchConfig, Mend::Restart] };
        match mend::all(steps, args, state, deadline) {
            Ok(done) => {
                story.steps.extend(done);
                prove::prove(deadline).map_err(|finding| mend::cause(finding, since, deadline))
            }
            Err(_) => Err(mend::cause(finding, since, deadline)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_full_disk_in_our_own_way_is_no_unknown_wording_of_kubeadm() {
        let class = |kind: ErrorKind| {
            let result: std::io::Result<()> = Err(std::io::Error::new(kind, "at path \"/run/kubejoin/.join.json\""));
            ours(&result.context("writing /run/kubejoin/join.json").unwrap_err()).class()
        };
        assert_eq!(class(ErrorKind::StorageFull), Class::DiskFull);
        assert_eq!(class(ErrorKind::ReadOnlyFilesystem), Class::ReadOnly);
        assert_eq!(class(ErrorKind::PermissionDenied), Class::Unknown);
    }
}
