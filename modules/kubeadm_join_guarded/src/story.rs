//! What is told at the end, of a success and of a failure alike: attempts, steps, logs, evidence, metrics.

use crate::args::Args;
use crate::attempt::Attempt;
use crate::bundle::bounded;
use crate::decide::Tried;
use crate::journal::tail;
use crate::observe::State;
use crate::phases::round;
use crate::took::Took;
use crate::{bundle, log, metrics, report};
use ansible::{Failure, Outcome};
use kubeadm::classify::Finding;
use serde_json::Value;
use std::time::Instant;

/// Lines of the kubelet's journal in a failed result; the log has more.
const JOURNAL_LINES: usize = 50;

/// The run so far.
pub struct Story {
    /// The result as it grows.
    pub outcome: Outcome,
    /// What failed, for the decision.
    pub history: Vec<Tried>,
    /// What was changed, in words.
    pub steps: Vec<String>,
    /// Where the seconds went.
    pub took: Took,
    /// The kubelet's last words in the attempt before, where nobody knows the cause.
    pub died_of: Option<String>,
    attempts: Vec<Value>,
    made: Vec<Attempt>,
    began: Instant,
}

impl Story {
    /// Begins with what the plan had to say.
    pub fn new(outcome: Outcome, took: Took) -> Self {
        let (history, steps, attempts, made) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Story { outcome, history, steps, took, died_of: None, attempts, made, began: Instant::now() }
    }

    /// An attempt is over: its log is written, its output becomes the result's.
    pub fn record(&mut self, args: &Args, state: &State, attempt: Attempt, remedy: Vec<String>) {
        let number = self.attempts.len() + 1;
        let tried = if attempt.succeeded() { None } else { self.history.last() };
        // A log that cannot be written fails no join.
        let log = match log::write(&args.log_path, &state.node_name, number, &attempt, tried) {
            Ok(path) => Some(path),
            Err(e) => {
                self.outcome.warn(format!("{e:#}"));
                None
            }
        };
        // What kubeadm printed by the megabyte is in the log: the result is read by people, and kept by Ansible for every node.
        self.outcome.set("stdout", bounded(&attempt.stdout));
        self.outcome.set("stderr", bounded(&attempt.stderr));
        self.outcome.set("phases", &attempt.phases);
        self.attempts.push(report::attempt(&attempt, &remedy, log.as_deref()));
        self.made.push(attempt);
    }

    /// A good end.
    pub fn finish(mut self, args: &Args, state: &State, proof: Value, verb: &str) -> Outcome {
        self.measure(args, None);
        let Story { outcome, attempts, steps, took, began, .. } = self;
        let outcome = outcome
            .field("seconds", round(began.elapsed().as_secs_f64()))
            .field("took", took.fields())
            .msg(format!("{} {verb}", state.node_name))
            .field("joined", true);
        outcome.field("attempts", attempts).field("steps", steps).field("proof", proof)
    }

    /// A bad end, with its evidence.
    pub fn fail(mut self, args: &Args, state: &State, finding: Finding) -> anyhow::Error {
        self.measure(args, Some(finding.class().name()));
        let checks = self.outcome.get("prerequisites").cloned().unwrap_or_default();
        match bundle::write(args, state, &finding, &self.made, &checks) {
            Ok(path) => self.outcome.set("evidence_bundle", path),
            Err(e) => self.outcome.warn(format!("{e:#}")),
        }
        let journal = self.made.last().map(|attempt| tail(&attempt.journal, JOURNAL_LINES));
        let Story { outcome, attempts, steps, began, .. } = self;
        let outcome = outcome.field("seconds", round(began.elapsed().as_secs_f64()));
        let sentence = report::sentence(args, state, &finding, attempts.len().max(1));
        // Only what stays changed counts: the attempts themselves were taken back.
        let mut failure = Failure::new(sentence).with(outcome.changed(!steps.is_empty())).field("joined", false);
        for (name, value) in report::verdict(args, &finding) {
            failure = failure.field(name, value);
        }
        failure.field("journal", journal).field("attempts", attempts).field("steps", steps).into()
    }

    fn measure(&mut self, args: &Args, class: Option<&str>) {
        let Some(dir) = &args.metrics_dir else { return };
        let phases = self.made.last().map(|attempt| attempt.phases.as_slice()).unwrap_or_default();
        let join = metrics::Join { class, took: self.began.elapsed(), attempts: self.made.len(), phases };
        if let Err(e) = metrics::write(dir, &join) {
            self.outcome.warn(format!("{e:#}"));
        }
    }
}
