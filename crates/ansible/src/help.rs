//! `--help` for people, and `--docs` for the generator of the `ansible-doc` pages.

use crate::Module;
use crate::spec::{Kind, Rule, Spec};
use serde_json::{Value, json};

/// The text of `--help`.
pub(crate) fn help(spec: &Spec) -> String {
    let mut text = format!(
        "{name} - {summary}\n\n\
         An Ansible module. By hand: {name} FILE   options as JSON in FILE, \"-\" for standard input\n    \
         --check --diff  before FILE: show what would be done, touch nothing\n    \
         --validate FILE check the options only\n    --help, --version\n\nOptions (= is required):\n",
        name = spec.name,
        summary = spec.summary
    );
    for opt in spec.options {
        let mark = if opt.required { '=' } else { '-' };
        text.push_str(&format!("\n{mark} {} ({})", opt.name, kind_name(&opt.kind)));
        if !opt.choices.is_empty() {
            text.push_str(&format!(" [{}]", opt.choices.join(" | ")));
        }
        if let Some(default) = opt.default {
            text.push_str(&format!(" default: {default}"));
        }
        if !opt.aliases.is_empty() {
            text.push_str(&format!(" also: {}", opt.aliases.join(", ")));
        }
        text.push_str(&format!("\n      {}\n", opt.help));
    }
    text
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::List(element) => format!("list of {}", element.name()),
        other => other.name().to_owned(),
    }
}

/// The module as JSON: `{name, summary, long, options: [{name, type, elements?, default, choices, aliases, required, no_log,
/// help}], rules: [{kind, options, when?}]}`.
pub(crate) fn docs(module: &Module) -> Value {
    let spec = module.spec;
    let options: Vec<Value> = spec
        .options
        .iter()
        .map(|o| {
            let elements = if let Kind::List(e) = o.kind { Value::from(e.name()) } else { Value::Null };
            let default: Value = o.default.and_then(|d| serde_json::from_str(d).ok()).unwrap_or(Value::Null);
            json!({"name": o.name, "type": o.kind.name(), "elements": elements, "default": default, "choices": o.choices,
                   "aliases": o.aliases, "required": o.required, "no_log": o.no_log || o.withheld, "help": o.help})
        })
        .collect();
    let rules: Vec<Value> = spec
        .rules
        .iter()
        .map(|rule| match rule {
            Rule::MutuallyExclusive(names) => json!({"kind": "mutually_exclusive", "options": names}),
            Rule::RequiredTogether(names) => json!({"kind": "required_together", "options": names}),
            Rule::RequiredOneOf(names) => json!({"kind": "required_one_of", "options": names}),
            Rule::RequiredIf(name, value, names) => {
                json!({"kind": "required_if", "when": [name, value], "options": names})
            }
        })
        .collect();
    json!({"name": spec.name, "summary": spec.summary, "long": module.long, "options": options, "rules": rules})
}
