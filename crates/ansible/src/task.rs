//! What a module may know about the run it is part of.

use crate::envelope::Envelope;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// The run: check mode, diff, verbosity, and a place to say which phase the work is in.
#[derive(Debug)]
pub struct Task {
    /// Only observe and plan; touch nothing.
    pub check_mode: bool,
    /// The user asked for `--diff`.
    pub diff: bool,
    /// How many `-v`.
    pub verbosity: u64,
    /// The task is `no_log`.
    pub no_log: bool,
    started: Instant,
    progress: Option<Arc<Mutex<File>>>,
    /// Which step of a sequence it is.
    step: Option<String>,
}

impl Task {
    pub(crate) fn new(envelope: &Envelope) -> Self {
        Task {
            check_mode: envelope.check_mode,
            diff: envelope.diff,
            verbosity: envelope.verbosity,
            no_log: envelope.no_log,
            started: Instant::now(),
            progress: envelope.progress.as_deref().and_then(open_progress).map(|file| Arc::new(Mutex::new(file))),
            step: None,
        }
    }

    /// One step of this run, whose phases begin with its name.
    pub(crate) fn step(&self, name: &str, check_mode: bool, no_log: bool) -> Self {
        Task {
            check_mode: self.check_mode || check_mode,
            diff: self.diff,
            verbosity: self.verbosity,
            no_log: self.no_log || no_log,
            started: self.started,
            progress: self.progress.clone().filter(|_| !no_log),
            step: Some(name.to_owned()),
        }
    }

    /// A run by a person or a test: not check mode, no progress.
    pub fn by_hand(check_mode: bool) -> Self {
        Task::new(&Envelope { check_mode, ..Envelope::default() })
    }

    /// Says which phase begins, for whoever follows a long task: one JSON line with seconds since the start.
    /// Progress is a courtesy: a full disk under it must not fail the task.
    pub fn phase(&self, name: &str) {
        let Some(progress) = &self.progress else { return };
        let phase = self.step.as_ref().map_or_else(|| name.to_owned(), |step| format!("{step}: {name}"));
        let line = serde_json::json!({"seconds": self.started.elapsed().as_secs_f64(), "phase": phase});
        if let Ok(mut file) = progress.lock() {
            let _ = file.write_all(crate::answer::line(&line).as_bytes());
        }
    }

    /// Time since the module started.
    pub fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }
}

/// The file must not exist yet: a name planted by another user is not written through.
fn open_progress(path: &str) -> Option<File> {
    std::fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path).ok()
}
