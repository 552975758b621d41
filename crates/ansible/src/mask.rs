//! Takes secrets out of an answer, as `AnsibleModule` does for `no_log` options (Ansible itself does not do it for a
//! binary module, and ansible-core 2.19 prints a failed task's `msg` and `warnings` even under `no_log: true`).

use serde_json::Value;

const WHOLE: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
const PART: &str = "********";

/// Masks every secret in `value`, in place. Keys stay as they are; strings, and numbers that contain one, do not.
pub(crate) fn mask(value: &mut Value, secrets: &[String]) {
    if secrets.is_empty() {
        return;
    }
    // Longest first, so that a secret that is part of another does not leave the other's rest in sight.
    let mut ordered: Vec<&str> = secrets.iter().map(String::as_str).filter(|s| !s.is_empty()).collect();
    ordered.sort_unstable_by_key(|s| std::cmp::Reverse(s.len()));
    walk(value, &ordered);
}

fn walk(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(s) => {
            if secrets.contains(&s.as_str()) {
                *s = WHOLE.into();
            } else {
                for secret in secrets.iter().filter(|x| !WHOLE.contains(**x) && !PART.contains(**x)) {
                    if s.contains(secret) {
                        *s = s.replace(secret, PART);
                    }
                }
            }
        }
        Value::Number(n) => {
            let text = n.to_string();
            if secrets.contains(&text.as_str()) {
                *value = Value::String(WHOLE.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, secrets)),
        Value::Object(map) => map.values_mut().for_each(|v| walk(v, secrets)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_masked_whole_and_inside_text_and_the_longest_goes_first() {
        let mut value = json!({"a": "s3cret", "b": ["x s3cret.more y", {"s3cret": 7}], "n": 7, "t": true});
        mask(&mut value, &["s3cret".into(), "s3cret.more".into()]);
        assert_eq!(value, json!({"a": WHOLE, "b": ["x ******** y", {"s3cret": 7}], "n": 7, "t": true}));
    }

    #[test]
    fn a_number_that_is_the_secret_is_masked() {
        let mut value = json!({"pin": 1234, "port": 12345});
        mask(&mut value, &["1234".into()]);
        assert_eq!(value, json!({"pin": WHOLE, "port": 12345}));
    }
}
