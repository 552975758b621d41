//! Why `kubeadm init` failed.

use crate::args::Args;
use crate::crashed;
use crate::report::Done;
use ansible::Failure;
use host::deadline::Deadline;
use host::journal;
use kubeadm::classify::{Class, Finding, Texts, classify};
use kubeadm::gate::KUBELET;
use kubeadm::last_words::last_words;
use kubeadm::redact::redact;
use std::time::{Duration, SystemTime};

/// The class of the failure, from kubeadm's words and the kubelet's.
pub fn explain(args: &Args, node_name: &str, since: SystemTime, done: &Done) -> anyhow::Error {
    let limit = Deadline::after(Duration::from_secs(5));
    let journal = |unit: &str| journal::read(unit, 500, Some(since), &limit).unwrap_or_default();
    let (kubelet, runtime) = (journal(KUBELET).failed(), journal(cri::unit(&args.cri_socket)).current());
    let (stdout, stderr) = (done.stdout.as_deref().unwrap_or_default(), done.stderr.as_deref().unwrap_or_default());
    let all = format!("{stdout}\n{stderr}");
    let texts = (redact(&kubelet.text()), redact(&runtime.text()));
    let found = classify(&Texts { kubeadm: &all, kubelet: &texts.0, runtime: &texts.1 });
    let mut found = found.into_iter().filter(|finding| !finding.is_normal());
    // That the control plane did not come up is a symptom of what its programs said.
    let finding = match found.next() {
        Some(cause) if !cause.row.symptom() => Some(cause),
        symptom => crashed::find().or(symptom),
    };
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty() && !line.starts_with("To see the stack"));
    let finding = finding.unwrap_or_else(|| Finding::of(Class::Unknown, last.unwrap_or("kubeadm said nothing")));
    let finding = finding.with_last_words("kubelet", last_words(kubelet.of_program()).as_deref());
    say(&finding, &format!("making {node_name} a control plane"))
}

/// The failure of one finding.
pub fn say(finding: &Finding, doing: &str) -> anyhow::Error {
    let help = finding.row.help();
    let sentence = format!("{doing}: {}: {} (see {help})", finding.explanation(), finding.evidence);
    let failure = Failure::new(sentence).field("failure_class", finding.class().name());
    let failure =
        failure.field("evidence", &finding.evidence).field("explanation", finding.explanation()).field("help", help);
    failure.field("next_action", finding.row.action.name()).field("retry_safe", finding.row.retry_safe).into()
}
