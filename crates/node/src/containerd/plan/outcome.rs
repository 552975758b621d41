//! The plan as the module's result.

use super::{FileEdit, Plan};
use crate::containerd::observe::State;
use ansible::{Diff, Outcome};

impl Plan {
    /// The steps as sentences.
    pub fn steps(&self) -> Vec<String> {
        let of_file = |edit: &FileEdit| format!("{}: {}", edit.path.display(), edit.changes.join("; "));
        let files = self.config.iter().chain(&self.crictl).map(of_file);
        files.chain(self.restart.iter().map(|r| format!("{} containerd: {}", r.verb, r.why))).collect()
    }

    /// Whether nothing is to be done.
    pub fn is_empty(&self) -> bool {
        self.config.is_empty() && self.crictl.is_none() && self.restart.is_none()
    }

    /// Each file before and after.
    pub fn diff(&self) -> Vec<Diff> {
        let of_file = |edit: &FileEdit| {
            Diff::new(edit.path.display().to_string(), edit.before.clone().unwrap_or_default(), edit.after.clone())
        };
        self.config.iter().chain(&self.crictl).map(of_file).collect()
    }

    /// The result, as far as it is known before anything is done.
    pub fn outcome(&self, state: &State) -> Outcome {
        let mut outcome = Outcome::new()
            .field("steps", self.steps())
            .field("config_version", self.config_version(state))
            .field("restart_needed", self.restart_left.is_some());
        self.warnings.iter().for_each(|w| outcome.warn(w.clone()));
        outcome
    }

    fn config_version(&self, state: &State) -> i64 {
        let main = state.config.main();
        let edited = self.config.iter().find(|e| e.path == main.path);
        let document = edited.and_then(|e| e.after.parse::<toml_edit::DocumentMut>().ok());
        document.and_then(|d| d.get("version")?.as_integer()).unwrap_or(main.version)
    }
}
