//! The steps of a sequence as they were written: one module each, and what a task would say beside it.

use crate::convert::convert;
use crate::nearest::nearest;
use crate::{Kind, Module};
use serde_json::{Map, Value};

/// How a module of this collection may be called, too.
const COLLECTION: &str = "vmstation.kubejoin.";
/// What may stand beside the module. Tags choose on the controller, which knows those that were asked for.
const KEYWORDS: [&str; 5] = ["name", "when", "check_mode", "no_log", "tags"];

/// One step.
#[derive(Clone)]
pub(super) struct Step {
    /// What it runs.
    pub module: &'static Module,
    /// What it is for, in the writer's words.
    pub name: Option<String>,
    /// Whether it is left out.
    pub skipped: bool,
    /// Whether it only looks, also in a real run.
    pub check_mode: bool,
    /// Whether nothing of its answer is told.
    pub no_log: bool,
    /// The module's options.
    pub options: Map<String, Value>,
}

impl Step {
    /// The module's name, by which it is told from others.
    pub(super) fn module_name(&self) -> &'static str {
        self.module.spec.name
    }

    /// For whoever watches.
    pub(super) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(self.module.spec.name)
    }
}

/// Reads all of them, or says which one is wrong and what would be right.
pub(super) fn read(modules: &[&'static Module], steps: &[Value]) -> Result<Vec<Step>, String> {
    if steps.is_empty() {
        return Err("option steps is empty: it must have one module at least, such as - cni_placeholder: {}".to_owned());
    }
    steps
        .iter()
        .enumerate()
        .map(|(at, step)| one(modules, step).map_err(|why| format!("option steps, step {}: {why}", at + 1)))
        .collect()
}

fn one(modules: &[&'static Module], step: &Value) -> Result<Step, String> {
    let Value::Object(step) = step else {
        return Err("it must be a dictionary with the name of a module and its options".to_owned());
    };
    let mut called = Vec::new();
    for key in step.keys().filter(|key| !KEYWORDS.contains(&key.as_str())) {
        let name = key.strip_prefix(COLLECTION).unwrap_or(key);
        let known = modules.iter().map(|module| module.spec.name);
        let Some(module) = modules.iter().copied().find(|module| module.spec.name == name) else {
            let hint = nearest(name, known.chain(KEYWORDS)).map(|near| format!("; did you mean {near}?"));
            return Err(format!(
                "{key:?} is neither a module of this collection nor one of {}{}",
                KEYWORDS.join(", "),
                hint.unwrap_or_default()
            ));
        };
        called.push((module, &step[key]));
    }
    let (module, options) = match called.as_slice() {
        [one] => *one,
        [] => return Err("it names no module".to_owned()),
        [(one, _), (two, _), ..] => {
            return Err(format!("it names {} and {}: a step is one module", one.spec.name, two.spec.name));
        }
    };
    let module_name = module.spec.name;
    let options = match options {
        Value::Null => Map::new(),
        Value::Object(options) => options.clone(),
        // Not what was given: it may be a secret.
        _ => return Err(format!("what {module_name} is given must be a dictionary of its options")),
    };
    let flag = |key: &str, default: bool| match step.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => convert(value, &Kind::Bool)
            .ok()
            .and_then(|value| value.as_bool())
            .ok_or_else(|| format!("{key} of {module_name} is {value}: it must be true or false")),
    };
    Ok(Step {
        module,
        name: step.get("name").and_then(Value::as_str).map(str::to_owned),
        skipped: !flag("when", true).map_err(|why| format!("{why}, such as \"{{{{ {module_name}_wanted }}}}\""))?,
        check_mode: flag("check_mode", false)?,
        no_log: flag("no_log", false)?,
        options,
    })
}
