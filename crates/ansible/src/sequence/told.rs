//! What a sequence answers: one result per step, and of the whole what a single task would say.

use super::steps::Step;
use crate::answer::NEW_SECRETS;
use serde_json::{Map, Value, json};

/// In the place of what a step with `no_log` says.
const CENSORED: &str = "hidden, because no_log is true for this step";
/// A result by which a module says, in check mode, that nothing after it can be looked at yet.
const PLAN_ENDS: &str = "plan_ends";
/// What the whole takes from no step: it has its own.
const OWN: [&str; 8] = ["changed", "failed", "diff", "warnings", "invocation", "module", "name", NEW_SECRETS];

/// The results so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    steps: Vec<Value>,
    changed: bool,
    diff: Vec<Value>,
    warnings: Vec<Value>,
    secrets: Vec<Value>,
    sentences: Vec<String>,
    ran: usize,
}

impl Told {
    /// Notes that a step was left out.
    pub(super) fn skipped(&mut self, step: &Step) {
        self.steps.push(json!({"module": step.module_name(), "name": step.name, "changed": false, "skipped": true}));
    }

    /// Notes a step's answer. `looked` is a step that only looks, in a run that is real: what it would do was not done.
    pub(super) fn answered(&mut self, step: &Step, answer: Value, looked: bool) -> Ended {
        self.ran += 1;
        let Value::Object(mut answer) = answer else { return Ended::Going };
        let list = |key: &str| match answer.get(key) {
            Some(Value::Array(items)) => items.clone(),
            _ => Vec::new(),
        };
        self.secrets.extend(list(NEW_SECRETS));
        self.warnings.extend(list("warnings"));
        if !step.no_log {
            self.diff.extend(list("diff"));
        }
        answer.remove(NEW_SECRETS);
        let changed = answer.get("changed") == Some(&Value::Bool(true)) && !looked;
        self.changed |= changed;
        let msg = answer.get("msg").and_then(Value::as_str).unwrap_or_default();
        if changed && !step.no_log {
            self.sentences.push(format!("{}: {msg}", step.title()));
        }
        let ended = match (answer.get("failed"), answer.get(PLAN_ENDS)) {
            (Some(Value::Bool(true)), _) => Ended::Failed,
            (_, Some(Value::Bool(true))) => Ended::Plan(msg.to_owned()),
            _ => Ended::Going,
        };
        if step.no_log {
            // A sentence is made to be shown, and without it nobody would know why; everything else is not told.
            let told = |key: &String| {
                ["changed", "failed"].contains(&key.as_str()) || (key == "msg" && ended == Ended::Failed)
            };
            answer.retain(|key, _| told(key));
            answer.insert("censored".into(), CENSORED.into());
        }
        answer.insert("module".into(), step.module_name().into());
        answer.insert("name".into(), json!(step.name));
        self.steps.push(Value::Object(answer));
        ended
    }

    /// All of it, ended in this way.
    pub(super) fn whole(mut self, ended: &Ended, left: &[Step]) -> Value {
        let mut whole = Map::new();
        match ended {
            // As a single task: who reads a failure reads the same fields.
            Ended::Failed => {
                let last = self.steps.last().cloned().unwrap_or_default();
                whole.insert("failed_step".into(), last["module"].clone());
                whole.extend(last.as_object().cloned().unwrap_or_default());
                OWN.iter().for_each(|key| drop(whole.remove(*key)));
                whole.insert("failed".into(), json!(true));
            }
            Ended::Plan(msg) => {
                whole.insert("msg".into(), json!(format!("{msg}; what follows can be planned once that is done")));
                whole.insert(PLAN_ENDS.into(), json!(true));
            }
            Ended::Going if self.ran == 0 => {
                whole.insert("skipped".into(), json!(true));
                whole.insert("msg".into(), json!("no step was to be run"));
            }
            Ended::Going => {
                let msg = match self.sentences.is_empty() {
                    true => format!("nothing to do in {} steps", self.ran),
                    false => self.sentences.join("; "),
                };
                whole.insert("msg".into(), json!(msg));
            }
        }
        whole.insert("changed".into(), json!(self.changed));
        let left: Vec<&str> = left.iter().map(Step::module_name).collect();
        whole.insert("not_run".into(), json!(left));
        for (key, list) in
            [("diff", &mut self.diff), ("warnings", &mut self.warnings), (NEW_SECRETS, &mut self.secrets)]
        {
            if !list.is_empty() {
                whole.insert(key.into(), Value::Array(std::mem::take(list)));
            }
        }
        whole.insert("steps".into(), Value::Array(self.steps));
        Value::Object(whole)
    }
}

/// How it went on after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// The next one is run.
    Going,
    /// The step failed.
    Failed,
    /// What this step would do in a real run has to be there before the next one can be looked at; its sentence.
    Plan(String),
}
