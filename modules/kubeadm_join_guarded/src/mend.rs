//! Small mends of a node that is joined, or has just been, and whose kubelet is not well.

use crate::annotation;
use crate::args::Args;
use crate::journal::journal;
use crate::observe::{State, UNIT};
use crate::plan::Mend;
use host::deadline::Deadline;
use host::systemd;
use kubeadm::classify::{Finding, Texts, classify};
use kubeadm::gate::{self, Unit};
use kubeadm::last_words::last_words;
use kubeadm::patience::patiently;
use kubeadm::redact::redact;
use kubeadm::{dropin, program};
use std::time::SystemTime;

/// Does them in order. Says what was done.
pub fn all(steps: &[Mend], args: &Args, state: &State, deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    for step in steps {
        match step {
            Mend::Release => gate::release(&Unit::observe(UNIT, deadline)?, deadline)?,
            Mend::FetchConfig => {
                let words = ["upgrade", "node", "phase", "kubelet-config"];
                patiently(deadline, |limit| program::kubeadm().args(words).run(limit)?.success())?;
            }
            Mend::Annotate => annotation::write(&state.node_name, &args.cri_socket, deadline)?,
            Mend::Start | Mend::Restart | Mend::Register => {
                done.extend(dropin::mend(UNIT, deadline)?);
                systemd::reset_failed(UNIT, deadline)?;
                if *step == Mend::Start { systemd::start(UNIT, deadline)? } else { systemd::restart(UNIT, deadline)? }
            }
        }
        done.push(step.words().to_owned());
    }
    Ok(done)
}

/// A node whose kubelet does not start at boot would be lost at the next one.
pub fn enable(deadline: &Deadline) -> anyhow::Result<Option<String>> {
    if Unit::observe(UNIT, deadline)?.file_state != "disabled" {
        return Ok(None);
    }
    systemd::enable(UNIT, deadline)?;
    Ok(Some(format!("enabled {UNIT}")))
}

/// Why a kubelet is not well: its journal may know more than what was seen.
pub fn cause(finding: Finding, since: SystemTime, deadline: &Deadline) -> Finding {
    let journal = journal(UNIT, Some(since), deadline).failed();
    let found = classify(&Texts { kubelet: &redact(&journal.text()), ..Texts::default() });
    let cause = found.into_iter().find(|other| !other.row.symptom());
    cause.unwrap_or_else(|| finding.with_last_words("kubelet", last_words(journal.of_program()).as_deref()))
}
