//! Turns a value as Ansible delivers it into the type an option asks for.
//!
//! Ad-hoc `key=value` and Jinja before 2.19 make everything a string, so each type also takes its text. The accepted
//! forms are those of `AnsibleModule` (ansible-core 2.15 to 2.19, compared by running it).

use crate::spec::Kind;
use serde_json::{Map, Number, Value, json};

/// Why a value was refused: the second half of the sentence that names the option.
pub(crate) type Refusal = String;

/// Converts `value` to `kind`. `null` never gets here: it means "not given".
pub(crate) fn convert(value: &Value, kind: &Kind) -> Result<Value, Refusal> {
    match kind {
        Kind::Raw => Ok(value.clone()),
        Kind::Str => Ok(Value::String(text(value))),
        Kind::Path => Ok(Value::String(expand(&text(value)))),
        Kind::Bool => boolean(value)
            .map(Value::Bool)
            .ok_or_else(|| refusal(value, "bool", "use true or false (also yes/no, on/off, y/n, t/f, 1/0)")),
        Kind::Int => integer(value).map(|n| json!(n)).ok_or_else(|| refusal(value, "int", "use a whole number")),
        Kind::Float => float(value).map(Value::Number).ok_or_else(|| refusal(value, "float", "use a number")),
        Kind::Dict => dict(value)
            .map(Value::Object)
            .ok_or_else(|| refusal(value, "dict", "use a mapping, JSON, or key1=value1,key2=value2")),
        Kind::List(element) => list(value, element),
    }
}

/// Characters of a value in a message.
const LONGEST_SHOWN: usize = 200;

fn refusal(value: &Value, wanted: &str, right: &str) -> Refusal {
    format!("is {} and cannot be converted to {wanted}: {right}", shown(value))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => shortened(s),
        Value::Object(_) => "a mapping".into(),
        Value::Array(_) => "a list".into(),
        other => other.to_string(),
    }
}

/// In quotes; of a text that nobody would read to its end, the beginning.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((at, _)) => format!("{:?} and {} bytes more", &text[..at], text.len() - at),
        None => format!("{text:?}"),
    }
}

/// Text as Python's `str()` would give it for scalars; mappings and lists stay JSON.
fn text(value: &Value) -> String {
    match value {
        Value::String(s) => s.clone(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        other => other.to_string(),
    }
}

fn boolean(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(b) => Some(*b),
        Value::Number(n) if n.as_f64() == Some(1.0) => Some(true),
        Value::Number(n) if n.as_f64() == Some(0.0) => Some(false),
        Value::String(s) => match s.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "off" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(n) => n.as_i64().or_else(|| whole(n.as_f64()?)),
        Value::Bool(b) => Some(i64::from(*b)),
        Value::String(s) => s.trim().parse().ok().or_else(|| whole(s.trim().parse().ok()?)),
        _ => None,
    }
}

/// A float that is a whole number which a double holds exactly.
fn whole(f: f64) -> Option<i64> {
    (f.fract() == 0.0 && f.abs() <= 9_007_199_254_740_992.0).then_some(f as i64)
}

fn float(value: &Value) -> Option<Number> {
    match value {
        Value::Number(n) => Some(n.clone()),
        Value::Bool(b) => Some(Number::from(u8::from(*b))),
        Value::String(s) => Number::from_f64(s.trim().parse().ok()?),
        _ => None,
    }
}

fn dict(value: &Value) -> Option<Map<String, Value>> {
    let s = match value {
        Value::Object(map) => return Some(map.clone()),
        Value::String(s) => s.trim(),
        _ => return None,
    };
    if s.starts_with('{') {
        return serde_json::from_str(s).ok();
    }
    let mut map = Map::new();
    for part in s.split([',', ' ']).filter(|p| !p.is_empty()) {
        let (key, value) = part.split_once('=')?;
        map.insert(key.trim().to_owned(), Value::String(value.trim().to_owned()));
    }
    Some(map)
}

fn list(value: &Value, element: &Kind) -> Result<Value, Refusal> {
    let items = match value {
        Value::Array(items) => items.clone(),
        // As AnsibleModule does: split at commas, no trimming; an empty string is one empty element there, but
        // `preserve=` on a command line means "none", and an empty path or hash is never meant.
        Value::String(s) if s.is_empty() => Vec::new(),
        Value::String(s) => s.split(',').map(|p| json!(p)).collect(),
        Value::Number(n) => vec![json!(n.to_string())],
        Value::Object(_) | Value::Bool(_) | Value::Null => {
            return Err(refusal(value, "list", "use a list, or text with commas"));
        }
    };
    let converted: Result<Vec<_>, _> = items.iter().map(|item| convert(item, element)).collect();
    converted.map(Value::Array).map_err(|why| format!("has an element that {why}"))
}

/// `expandvars` and `expanduser`: a leading `~` and `$VAR`/`${VAR}`; an unknown variable stays as written.
fn expand(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    if (path == "~" || path.starts_with("~/"))
        && let Ok(home) = std::env::var("HOME")
    {
        out.push_str(&home);
        rest = &path[1..];
    }
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, len) = match after.strip_prefix('{').and_then(|a| a.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match std::env::var(name) {
            Ok(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..at + 1 + len]),
        }
        rest = &after[len..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ad_hoc_strings_become_the_declared_type() {
        assert_eq!(convert(&json!("yes"), &Kind::Bool), Ok(json!(true)));
        assert_eq!(convert(&json!(" Off "), &Kind::Bool), Ok(json!(false)));
        assert_eq!(convert(&json!("5"), &Kind::Int), Ok(json!(5)));
        assert_eq!(convert(&json!("5.0"), &Kind::Int), Ok(json!(5)));
        assert_eq!(convert(&json!("1.5"), &Kind::Float), Ok(json!(1.5)));
        assert_eq!(convert(&json!("a,b"), &Kind::List(&Kind::Str)), Ok(json!(["a", "b"])));
        assert_eq!(convert(&json!("1,2"), &Kind::List(&Kind::Int)), Ok(json!([1, 2])));
        assert_eq!(convert(&json!("k=v, l=w"), &Kind::Dict), Ok(json!({"k": "v", "l": "w"})));
        assert_eq!(convert(&json!("{\"k\": [1]}"), &Kind::Dict), Ok(json!({"k": [1]})));
        assert_eq!(convert(&json!(5), &Kind::Str), Ok(json!("5")));
        assert_eq!(convert(&json!(true), &Kind::Int), Ok(json!(1)));
    }

    #[test]
    fn a_wrong_value_is_named_with_what_would_be_right() {
        let why = convert(&json!("maybe"), &Kind::Bool).unwrap_err();
        assert!(why.contains("\"maybe\"") && why.contains("bool") && why.contains("yes/no"), "{why}");
        let why = convert(&json!("1.5"), &Kind::Int).unwrap_err();
        assert!(why.contains("\"1.5\"") && why.contains("whole number"), "{why}");
        assert!(convert(&json!({"a": 1}), &Kind::List(&Kind::Str)).is_err());
        assert!(convert(&json!([true, "x"]), &Kind::List(&Kind::Bool)).unwrap_err().contains("element"));
    }

    #[test]
    fn an_unknown_variable_and_a_lone_dollar_stay_as_written() {
        assert_eq!(
            expand("/a/$KUBEJOIN_NOT_SET/${KUBEJOIN_NOT_SET}/b$"),
            "/a/$KUBEJOIN_NOT_SET/${KUBEJOIN_NOT_SET}/b$"
        );
    }

    proptest! {
        #[test]
        fn any_text_converts_or_is_refused_without_a_panic(s in "\\PC*") {
            for kind in [Kind::Str, Kind::Bool, Kind::Int, Kind::Float, Kind::Path, Kind::Dict, Kind::List(&Kind::Int)] {
                let _ = convert(&json!(s), &kind);
            }
        }

        #[test]
        fn integers_survive_being_made_text(n in any::<i64>()) {
            prop_assert_eq!(convert(&json!(n.to_string()), &Kind::Int), Ok(json!(n)));
        }
    }
}
