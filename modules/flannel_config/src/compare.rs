//! Whether an object in the cluster already says what we would say.
//!
//! The API server adds defaults, status and bookkeeping to what it was given, so equality is the wrong question: every
//! field we set has to be there with our value; what we do not set is not ours to judge.

use serde_json::Value;

/// The first field that differs, as a path such as `spec.template.spec.hostNetwork`; `None` when nothing does.
pub fn difference(wanted: &Value, live: &Value) -> Option<String> {
    walk(wanted, live, "")
}

fn walk(wanted: &Value, live: &Value, path: &str) -> Option<String> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match (wanted, live) {
        (Value::Object(w), Value::Object(l)) => {
            w.iter().find_map(|(key, value)| walk(value, l.get(key).unwrap_or(&Value::Null), &below(key)))
        }
        (Value::Array(w), Value::Array(l)) if w.len() == l.len() => {
            w.iter().zip(l).enumerate().find_map(|(i, (a, b))| walk(a, b, &below(&i.to_string())))
        }
        // The server leaves out what is false or empty by default.
        (Value::Bool(false), Value::Null) => None,
        (Value::String(s), Value::Null) if s.is_empty() => None,
        (Value::Array(a), Value::Null) if a.is_empty() => None,
        (w, l) if w == l => None,
        _ => Some(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_added_is_no_difference_and_what_somebody_changed_is() {
        let wanted = json!({"spec": {"hostNetwork": true, "list": [{"a": 1}]}});
        let live = json!({"spec": {"hostNetwork": true, "dnsPolicy": "ClusterFirst", "list": [{"a": 1, "b": 2}]}, "status": {}});
        assert_eq!(difference(&wanted, &live), None);
        assert_eq!(
            difference(&wanted, &json!({"spec": {"hostNetwork": true, "list": [{"a": 2}]}})).as_deref(),
            Some("spec.list.0.a")
        );
        assert_eq!(difference(&wanted, &json!({"spec": {"list": [{"a": 1}]}})).as_deref(), Some("spec.hostNetwork"));
        assert_eq!(
            difference(&wanted, &json!({"spec": {"hostNetwork": true, "list": []}})).as_deref(),
            Some("spec.list")
        );
    }
}
