//! Rules about several options at once, with the wordings of `AnsibleModule`.

use crate::spec::{Rule, Spec};
use serde_json::{Map, Value};

/// Checks every rule of `spec`; `given` holds only options the user set, `all` also the defaults.
pub(crate) fn check(spec: &Spec, given: &Map<String, Value>, all: &Map<String, Value>) -> Result<(), String> {
    let is_given = |name: &&str| given.get(*name).is_some_and(|v| !v.is_null());
    let is_set = |name: &&str| all.get(*name).is_some_and(|v| !v.is_null());
    for rule in spec.rules {
        match *rule {
            Rule::MutuallyExclusive(names) if names.iter().filter(|n| is_given(n)).count() > 1 => {
                return Err(format!("parameters are mutually exclusive: {}", names.join("|")));
            }
            Rule::RequiredTogether(names) if names.iter().any(&is_given) && !names.iter().all(&is_set) => {
                return Err(format!("parameters are required together: {}", names.join(", ")));
            }
            Rule::RequiredOneOf(names) if !names.iter().any(&is_set) => {
                return Err(format!("one of the following is required: {}", names.join(", ")));
            }
            Rule::RequiredIf(name, value, needed) if all.get(name).and_then(Value::as_str) == Some(value) => {
                let missing: Vec<_> = needed.iter().filter(|n| !is_set(n)).copied().collect();
                if !missing.is_empty() {
                    return Err(format!(
                        "{name} is {value} but all of the following are missing: {}",
                        missing.join(", ")
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
