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
use ansible::Outcome;
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
    /// It came to a good end.
    done: bool,
}

impl Default for Story {
    fn default() -> Self {
        let (history, steps, attempts, made) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (outcome, took, began) = (Outcome::new(), Took::begin(), Instant::now());
        Story { outcome, history, steps, took, died_of: None, attempts, made, began, done: false }
    }
}

impl ansible::Done for Story {
    // Of a join that failed only what stays changed counts: the attempts themselves were taken back.
    fn is_change(&self) -> bool {
        self.done || !self.steps.is_empty()
    }
}

impl Story {
    /// Begins with what the plan had to say.
    pub fn begin(&mut self, outcome: Outcome, took: Took) {
        (self.outcome, self.took) = (outcome, took);
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
    pub fn finish(&mut self, args: &Args, state: &State, proof: Value, verb: &str) {
        self.measure(args, None);
        self.done = true;
        self.outcome.set("msg", format!("{} {verb}", state.node_name));
        self.outcome.set("joined", true);
        self.outcome.set("took", self.took.fields());
        self.outcome.set("proof", proof);
    }

    /// A bad end, with its evidence.
    pub fn fail(&mut self, args: &Args, state: &State, finding: Finding) -> anyhow::Error {
        self.measure(args, Some(finding.class().name()));
        let checks = self.outcome.get("prerequisites").cloned().unwrap_or_default();
        match bundle::write(args, state, &finding, &self.made, &checks) {
            Ok(path) => self.outcome.set("evidence_bundle", path),
            Err(e) => self.outcome.warn(format!("{e:#}")),
        }
        for (name, value) in report::verdict(args, &finding) {
            self.outcome.set(name, value);
        }
        self.outcome.set("joined", false);
        self.outcome.set("journal", self.made.last().map(|attempt| tail(&attempt.journal, JOURNAL_LINES)));
        anyhow::Error::msg(report::sentence(args, state, &finding, self.attempts.len().max(1)))
    }

    /// All of it, as the result.
    pub fn told(&self) -> Outcome {
        let outcome = self.outcome.clone().field("seconds", round(self.began.elapsed().as_secs_f64()));
        outcome.field("attempts", &self.attempts).field("steps", &self.steps)
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
