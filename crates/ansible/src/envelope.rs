//! Splits what Ansible adds (`_ansible_*`, and `_kubejoin_*` from our action plugin) from what the user wrote.
//!
//! The set of keys differs with the version of ansible-core (16 in 2.15, 18 in 2.19), so unknown ones are dropped,
//! never refused. Users cannot pass such keys themselves: Ansible reserves them.

use serde_json::{Map, Value};

/// What Ansible says about the run, with its defaults for a run by hand.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) check_mode: bool,
    pub(crate) diff: bool,
    pub(crate) no_log: bool,
    pub(crate) verbosity: u64,
    pub(crate) module_name: Option<String>,
    pub(crate) progress: Option<String>,
    /// Core does not want `invocation`: by default since 2.22.
    pub(crate) no_invocation: bool,
    /// Our action plugin takes secrets from the answer and has core mask them wherever it would show them.
    pub(crate) tell_secrets: bool,
}

/// Takes the envelope out of `all`; what is left are the user's options.
pub(crate) fn split(all: Map<String, Value>) -> (Envelope, Map<String, Value>) {
    let flag = |key: &str| all.get(key).and_then(Value::as_bool).unwrap_or(false);
    let text = |key: &str| all.get(key).and_then(Value::as_str).map(str::to_owned);
    let envelope = Envelope {
        check_mode: flag("_ansible_check_mode"),
        diff: flag("_ansible_diff"),
        no_log: flag("_ansible_no_log"),
        verbosity: all.get("_ansible_verbosity").and_then(Value::as_u64).unwrap_or(0),
        module_name: text("_ansible_module_name"),
        progress: text("_kubejoin_progress"),
        no_invocation: all.get("_ansible_inject_invocation").and_then(Value::as_bool) == Some(false),
        tell_secrets: flag("_kubejoin_secrets"),
    };
    let options =
        all.into_iter().filter(|(key, _)| !key.starts_with("_ansible_") && !key.starts_with("_kubejoin_")).collect();
    (envelope, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn envelope_keys_of_any_version_are_dropped_and_user_options_stay() {
        let Value::Object(all) = json!({
            "state": "present", "_ansible_check_mode": true, "_ansible_diff": true, "_ansible_verbosity": 3,
            "_ansible_module_name": "a.b.c", "_ansible_something_from_2_30": {"x": 1}, "_kubejoin_progress": "/run/x"
        }) else {
            unreachable!()
        };
        let (envelope, options) = split(all);
        assert!(envelope.check_mode && envelope.diff && !envelope.no_log);
        assert_eq!(
            (envelope.verbosity, envelope.module_name.as_deref(), envelope.progress.as_deref()),
            (3, Some("a.b.c"), Some("/run/x"))
        );
        assert!(!envelope.no_invocation && !envelope.tell_secrets);
        assert_eq!(Value::Object(options), json!({"state": "present"}));
    }
}
