//! Label and field selectors.

use crate::yaml::text;
use serde_json::Value;

/// Whether an object's labels fit a selector like `a=b,c!=d,e,!f`.
pub fn selects(selector: &str, labels: &Value) -> bool {
    selector.split(',').map(str::trim).filter(|term| !term.is_empty()).all(|term| {
        let get = |name: &str| labels[name.trim()].as_str();
        if let Some((name, value)) = term.split_once("!=") {
            get(name) != Some(value.trim())
        } else if let Some((name, value)) = term.split_once('=') {
            get(name) == Some(value.trim_start_matches('=').trim())
        } else if let Some(name) = term.strip_prefix('!') {
            get(name).is_none()
        } else {
            get(term).is_some()
        }
    })
}

/// Whether an object's fields fit a selector like `spec.nodeName=w1`.
pub fn fits_fields(selector: &str, object: &Value) -> bool {
    selector.split(',').filter(|term| !term.is_empty()).all(|term| {
        let (path, value, same) = match term.split_once("!=") {
            Some((path, value)) => (path, value, false),
            None => term
                .split_once('=')
                .map_or((term, "", true), |(path, value)| (path, value.trim_start_matches('='), true)),
        };
        (text(object, &format!("/{}", path.replace('.', "/"))) == value) == same
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_fields_are_selected() {
        let object = json!({"metadata": {"labels": {"a": "1"}}, "spec": {"nodeName": "w1"}});
        let labels = &object["metadata"]["labels"];
        assert!(selects("a=1,!b", labels) && selects("a!=2", labels) && selects("", labels));
        assert!(!selects("b", labels) && !selects("a=2", labels));
        assert!(fits_fields("spec.nodeName=w1", &object) && !fits_fields("spec.nodeName!=w1", &object));
    }
}
