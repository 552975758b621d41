//! What a module says when it is done, or why it could not.

use crate::printable::printable;
use serde::Serialize;
use serde_json::{Map, Value};

/// A before and after, shown by Ansible under `--diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// The state that was found, as text.
    pub before: String,
    /// The state that is wanted, as text.
    pub after: String,
    /// What it is a state of: a path, a unit.
    pub before_header: String,
    /// The same, on the other side.
    pub after_header: String,
}

impl Diff {
    /// A difference of one thing, which both headers name.
    pub fn new(what: impl Into<String>, before: impl Into<String>, after: impl Into<String>) -> Self {
        let header = what.into();
        Diff { before: before.into(), after: after.into(), before_header: header.clone(), after_header: header }
    }

    /// A difference of lists. A line may hold names, which must not make lines of their own.
    pub fn list(what: impl Into<String>, before: &[String], after: &[String]) -> Self {
        let text = |lines: &[String]| lines.iter().map(|line| format!("{}\n", printable(line))).collect::<String>();
        Diff::new(what, text(before), text(after))
    }
}

/// A finished task. `changed` is a plan that was not empty, in check mode too.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    pub(crate) changed: bool,
    pub(crate) fields: Map<String, Value>,
    pub(crate) diff: Vec<Diff>,
    pub(crate) warnings: Vec<String>,
    pub(crate) secrets: Vec<String>,
}

impl Outcome {
    /// An unchanged outcome without fields.
    pub fn new() -> Self {
        Outcome::default()
    }

    /// Says whether anything was, or in check mode would be, changed.
    pub fn changed(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }

    /// Adds a result field. A value that cannot be serialised becomes its error text rather than a lost answer.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        self.set(name, value);
        self
    }

    /// Adds a result field, in place.
    pub fn set(&mut self, name: &str, value: impl Serialize) {
        self.fields.insert(name.to_owned(), to_value(value));
    }

    /// The sentence Ansible shows beside the task.
    pub fn msg(self, msg: impl Into<String>) -> Self {
        self.field("msg", msg.into())
    }

    /// Adds what `--diff` shows.
    pub fn diff(mut self, diff: impl IntoIterator<Item = Diff>) -> Self {
        self.diff.extend(diff);
        self
    }

    /// Adds a warning, which Ansible shows even when the task is `no_log`: never a secret.
    pub fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// Has Ansible, where its core can, mask this value of a field wherever it would show it.
    pub fn secret(mut self, value: impl Into<String>) -> Self {
        self.secrets.push(value.into());
        self
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.changed
    }

    /// A result field set before, for callers that run a module as a library.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }
}

/// A failure that carries result fields (`failure_class`, `evidence`, …), raised through `anyhow`.
#[derive(Debug, Clone, Default)]
pub struct Failure {
    /// One sentence: what was being done, to what, and the cause.
    pub msg: String,
    /// Whether something had been changed before it failed.
    pub changed: bool,
    pub(crate) fields: Map<String, Value>,
    pub(crate) diff: Vec<Diff>,
    pub(crate) warnings: Vec<String>,
    pub(crate) secrets: Vec<String>,
}

impl Failure {
    /// A failure with its sentence.
    pub fn new(msg: impl Into<String>) -> Self {
        Failure { msg: msg.into(), ..Failure::default() }
    }

    /// Adds a result field.
    pub fn field(mut self, name: &str, value: impl Serialize) -> Self {
        self.fields.insert(name.to_owned(), to_value(value));
        self
    }

    /// Says that something had been changed before it failed.
    pub fn changed(mut self, changed: bool) -> Self {
        self.changed = changed;
        self
    }

    /// Keeps what an unfinished outcome already had to say.
    pub fn with(mut self, outcome: Outcome) -> Self {
        self.changed |= outcome.changed;
        self.fields.extend(outcome.fields);
        self.diff.extend(outcome.diff);
        self.warnings.extend(outcome.warnings);
        self.secrets.extend(outcome.secrets);
        self
    }
}

impl Failure {
    /// What it has to tell beside its sentence.
    pub(crate) fn into_outcome(self) -> Outcome {
        Outcome {
            changed: self.changed,
            fields: self.fields,
            diff: self.diff,
            warnings: self.warnings,
            secrets: self.secrets,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.msg)
    }
}

impl std::error::Error for Failure {}

fn to_value(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_else(|e| Value::String(format!("not serialisable: {e}")))
}
