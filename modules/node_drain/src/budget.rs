//! PodDisruptionBudgets: which of them a pod falls under, and whether they have room. The API server decides; this is for
//! telling beforehand, and by name.

use crate::pod::Pod;
use serde_json::{Map, Value};

/// A budget.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// How many of its pods may be away now.
    pub allowed: i64,
    selector: Value,
}

impl Budget {
    /// Reads one item of a list.
    pub fn read(item: &Value) -> Self {
        let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        Budget {
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name"),
            allowed: item["status"]["disruptionsAllowed"].as_i64().unwrap_or(0),
            selector: item["spec"]["selector"].clone(),
        }
    }

    /// Whether a pod falls under it. One without a selector is nobody's; an empty one is for all of its namespace.
    pub fn covers(&self, pod: &Pod) -> bool {
        self.namespace == pod.namespace && self.selector.is_object() && matches(&self.selector, &pod.labels)
    }
}

/// A label selector, as apimachinery's `LabelSelectorAsSelector` reads it.
fn matches(selector: &Value, labels: &Map<String, Value>) -> bool {
    let wanted = selector["matchLabels"].as_object().into_iter().flatten();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    wanted.into_iter().all(|(label, value)| labels.get(label) == Some(value))
        && expressions.into_iter().all(|expression| {
            let value = expression["key"].as_str().and_then(|label| labels.get(label));
            let among = |value: &Value| expression["values"].as_array().is_some_and(|all| all.contains(value));
            match expression["operator"].as_str() {
                Some("In") => value.is_some_and(among),
                Some("NotIn") => !value.is_some_and(among),
                Some("Exists") => value.is_some(),
                _ => value.is_none(),
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_budget_covers_what_its_selector_says_in_its_own_namespace() {
        let pod = Pod::read(
            &json!({"metadata": {"namespace": "shop", "name": "web", "labels": {"app": "web", "tier": "a"}}}),
        );
        let covers = |namespace: &str, selector: Value| {
            let item = json!({"metadata": {"namespace": namespace, "name": "b"}, "spec": {"selector": selector}});
            Budget::read(&item).covers(&pod)
        };
        assert!(covers("shop", json!({"matchLabels": {"app": "web"}})) && covers("shop", json!({})));
        assert!(!covers("other", json!({})) && !covers("shop", Value::Null));
        assert!(!covers("shop", json!({"matchLabels": {"app": "db"}})));
        let expression = |operator: &str, values: Value| {
            covers("shop", json!({"matchExpressions": [{"key": "tier", "operator": operator, "values": values}]}))
        };
        assert!(expression("In", json!(["a", "b"])) && !expression("NotIn", json!(["a"])));
        assert!(expression("Exists", Value::Null) && !expression("DoesNotExist", Value::Null));
    }
}
