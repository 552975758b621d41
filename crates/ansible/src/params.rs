//! The user's options, checked against a [`Spec`] and converted; the input of every module.
//!
//! The order of checks is that of `AnsibleModule`, because only the first error is shown: aliases, mutually exclusive,
//! required, types, choices, the other rules, and unsupported names last.

use crate::convert::convert;
use crate::nearest::nearest;
use crate::rules;
use crate::spec::{Opt, Spec};
use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What `invocation` says of an option that the module does not have.
const NOT_SHOWN: &str = "NOT_SHOWN_OF_AN_UNKNOWN_OPTION";
/// What it says of one that is withheld.
const WITHHELD: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";

/// Checked options: every option of the spec is present, `null` when neither given nor defaulted.
#[derive(Debug, Clone)]
pub struct Params(Map<String, Value>);

impl Params {
    /// Reads them into the module's `Args`. An option that `Args` does not know is a programming error that the
    /// module's own tests find; a choice that does not parse is one the spec should have listed.
    pub fn parse<T: DeserializeOwned>(self) -> anyhow::Result<T> {
        serde_json::from_value(Value::Object(self.0)).context("reading the options")
    }

    /// The checked options as they will be read, for tests that compare them with the documentation.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// What checking the options gave, besides the options.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) params: Result<Params, String>,
    /// For `invocation`: everything known about the options, even when they were refused.
    pub(crate) echo: Map<String, Value>,
    /// Values that must not appear in the answer.
    pub(crate) secrets: Vec<String>,
    pub(crate) warnings: Vec<String>,
}

/// Checks what the user wrote against the spec.
pub(crate) fn check(spec: &Spec, options: Map<String, Value>, module_name: &str) -> Checked {
    let mut warnings = Vec::new();
    let mut given = Map::new();
    let mut unknown = Vec::new();
    for (key, value) in &options {
        match spec.find(key) {
            None => unknown.push(key.as_str()),
            Some(opt) if key == opt.name && given.contains_key(opt.name) => {}
            Some(opt) => {
                if key != opt.name && options.contains_key(opt.name) {
                    warnings.push(format!("Both option {} and its alias {key} are set.", opt.name));
                }
                given.insert(opt.name.to_owned(), value.clone());
            }
        }
    }
    let secrets = secrets(spec, &options);
    // Not what was given under a name that is unknown: `tokn` may hold what `token` was meant to.
    let mut echo: Map<String, Value> =
        unknown.iter().map(|name| ((*name).to_owned(), Value::from(NOT_SHOWN))).collect();
    for (name, value) in options.iter().filter(|(name, _)| spec.find(name).is_some()) {
        echo.insert(name.clone(), value.clone());
    }
    for opt in spec.options {
        let value = given.get(opt.name).cloned().unwrap_or_else(|| default(opt));
        echo.insert(opt.name.to_owned(), value);
    }
    for (name, value) in &mut echo {
        if spec.find(name).is_some_and(|opt| opt.withheld) && !value.is_null() {
            *value = Value::from(WITHHELD);
        }
    }
    let params = values(spec, &given).and_then(|all| {
        if unknown.is_empty() { Ok(Params(all)) } else { Err(unsupported(spec, &unknown, module_name)) }
    });
    Checked { params, echo, secrets, warnings }
}

fn values(spec: &Spec, given: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let missing: Vec<_> = spec
        .options
        .iter()
        .filter(|o| o.required && given.get(o.name).is_none_or(Value::is_null))
        .map(|o| o.name)
        .collect();
    let mut all = Map::new();
    for opt in spec.options {
        let value = match given.get(opt.name) {
            None | Some(Value::Null) => default(opt),
            Some(value) => match convert(value, &opt.kind) {
                Ok(value) => value,
                Err(_) if opt.no_log || opt.withheld => {
                    return Err(format!(
                        "option {} has a value that cannot be converted to {}",
                        opt.name,
                        opt.kind.name()
                    ));
                }
                Err(why) => return Err(format!("option {} {why}", opt.name)),
            },
        };
        all.insert(opt.name.to_owned(), value);
    }
    if !missing.is_empty() {
        return Err(format!("missing required arguments: {}", missing.join(", ")));
    }
    for opt in spec.options.iter().filter(|o| !o.choices.is_empty()) {
        let list = match &all[opt.name] {
            Value::Null => continue,
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        };
        if let Some(wrong) = list.iter().find(|v| !v.as_str().is_some_and(|s| opt.choices.contains(&s))) {
            let wrong = wrong.as_str().map_or_else(|| wrong.to_string(), str::to_owned);
            let hint = nearest(&wrong, opt.choices.iter().copied())
                .map(|n| format!(" (did you mean {n}?)"))
                .unwrap_or_default();
            return Err(format!(
                "value of {} must be one of: {}, got: {wrong}{hint}",
                opt.name,
                opt.choices.join(", ")
            ));
        }
    }
    rules::check(spec, given, &all)?;
    Ok(all)
}

fn default(opt: &Opt) -> Value {
    // A default that is no JSON is caught by `every_default_is_json` in each module's tests; null is its safe reading.
    opt.default.and_then(|json| serde_json::from_str(json).ok()).unwrap_or(Value::Null)
}

/// Every name that an option goes by.
fn names(spec: &Spec) -> impl Iterator<Item = &str> {
    spec.options.iter().flat_map(|o| std::iter::once(o.name).chain(o.aliases.iter().copied()))
}

fn unsupported(spec: &Spec, unknown: &[&str], module_name: &str) -> String {
    let mut unknown = unknown.to_vec();
    unknown.sort_unstable();
    let mut known: Vec<String> = spec
        .options
        .iter()
        .map(
            |o| if o.aliases.is_empty() { o.name.to_owned() } else { format!("{} ({})", o.name, o.aliases.join(", ")) },
        )
        .collect();
    known.sort_unstable();
    let hints: Vec<String> = unknown
        .iter()
        .filter_map(|u| nearest(u, names(spec)).map(|n| format!(" Did you mean {n} instead of {u}?")))
        .collect();
    format!(
        "Unsupported parameters for ({module_name}) module: {}. Supported parameters include: {}.{}",
        unknown.join(", "),
        known.join(", "),
        hints.concat()
    )
}

/// The values of `no_log` options, by whichever of their names, and of a mistyped name that is nearest to one of these.
fn secrets(spec: &Spec, options: &Map<String, Value>) -> Vec<String> {
    fn collect(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::String(s) if !s.is_empty() => out.push(s.clone()),
            Value::Number(n) => out.push(n.to_string()),
            Value::Array(items) => items.iter().for_each(|i| collect(i, out)),
            Value::Object(map) => map.values().for_each(|v| collect(v, out)),
            _ => {}
        }
    }
    let meant = |name: &str| spec.find(name).or_else(|| spec.find(nearest(name, names(spec))?));
    let mut out = Vec::new();
    for (_, value) in options.iter().filter(|(name, _)| meant(name).is_some_and(|opt| opt.no_log)) {
        collect(value, &mut out);
    }
    out
}

#[cfg(test)]
#[path = "params_tests.rs"]
mod tests;
