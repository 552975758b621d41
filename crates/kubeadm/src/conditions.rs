//! The conditions of a Node or a Pod, as the API server has them (k8s.io/api core/v1, NodeCondition and PodCondition).

use serde_json::Value;

/// The condition Ready; none when nobody has reported it.
pub fn ready(object: &Value) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == "Ready")
}

/// Whether the cluster calls it Ready.
pub fn is_ready(object: &Value) -> bool {
    ready(object).is_some_and(|condition| condition["status"] == "True")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_is_said_to_be_ready_is() {
        let object = |kind: &str, status: &str| json!({"status": {"conditions": [{"type": kind, "status": status}]}});
        assert!(is_ready(&object("Ready", "True")));
        for other in [object("Ready", "Unknown"), object("DiskPressure", "True"), json!({}), Value::Null] {
            assert!(!is_ready(&other), "{other}");
        }
    }
}
