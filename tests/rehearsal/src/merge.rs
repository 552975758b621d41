//! Merging of objects: JSON merge patch, strategic merge (lists by their merge key) and JSON patch.

use anyhow::{Result, bail};
use serde_json::Value;

/// RFC 7386: maps merge, null deletes, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    combine(target, patch, "", false);
}

/// As [`merge`], but lists of maps with a merge key are merged element by element.
pub fn strategic(target: &mut Value, patch: &Value) {
    combine(target, patch, "", true);
}

fn combine(target: &mut Value, patch: &Value, field: &str, lists: bool) {
    match patch {
        Value::Object(changes) => {
            if !target.is_object() {
                *target = Value::Object(serde_json::Map::new());
            }
            let Some(map) = target.as_object_mut() else { return };
            for (key, change) in changes {
                if change.is_null() {
                    map.remove(key);
                } else if key != "$setElementOrder" && !key.starts_with("$setElementOrder/") {
                    combine(map.entry(key.clone()).or_insert(Value::Null), change, key, lists);
                }
            }
        }
        Value::Array(elements) if lists => match merge_key(field) {
            Some(key) if target.is_array() => merge_list(target, elements, key),
            _ => *target = patch.clone(),
        },
        other => *target = other.clone(),
    }
}

/// The merge key of a list field in the core types, None for lists that are replaced.
fn merge_key(field: &str) -> Option<&'static str> {
    match field {
        "containers" | "initContainers" | "volumes" | "env" | "imagePullSecrets" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        "ports" => Some("containerPort"),
        "conditions" | "addresses" => Some("type"),
        "ownerReferences" => Some("uid"),
        _ => None,
    }
}

fn merge_list(target: &mut Value, elements: &[Value], key: &str) {
    let Some(list) = target.as_array_mut() else { return };
    for element in elements {
        let position = list.iter().position(|old| old.get(key).is_some() && old.get(key) == element.get(key));
        let delete = element.get("$patch").and_then(Value::as_str) == Some("delete");
        match (position, delete) {
            (Some(at), true) => drop(list.remove(at)),
            (Some(at), false) => combine(&mut list[at], element, "", true),
            (None, false) => list.push(element.clone()),
            (None, true) => {}
        }
    }
}

/// RFC 6902, the operations add, replace, remove and test.
pub fn json_patch(target: &mut Value, operations: &[Value]) -> Result<()> {
    for operation in operations {
        let (op, path) = (operation["op"].as_str().unwrap_or_default(), operation["path"].as_str().unwrap_or_default());
        let (parent, last) = path.rsplit_once('/').unwrap_or(("", path));
        let last = last.replace("~1", "/").replace("~0", "~");
        if op == "test" {
            if target.pointer(path) != Some(&operation["value"]) {
                bail!("testing value {path} failed");
            }
            continue;
        }
        let Some(place) = target.pointer_mut(parent) else { bail!("the path {parent:?} does not exist") };
        match (place, op) {
            (Value::Object(map), "add" | "replace") => drop(map.insert(last, operation["value"].clone())),
            (Value::Object(map), "remove") => drop(map.shift_remove(&last)),
            (Value::Array(list), "add") if last == "-" => list.push(operation["value"].clone()),
            (Value::Array(list), op) => match (last.parse::<usize>(), op) {
                (Ok(at), "add") if at <= list.len() => list.insert(at, operation["value"].clone()),
                (Ok(at), "replace") if at < list.len() => list[at] = operation["value"].clone(),
                (Ok(at), "remove") if at < list.len() => drop(list.remove(at)),
                _ => bail!("the index {last:?} is out of range"),
            },
            _ => bail!("operation {op:?} on {path:?} is not possible"),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_strategic_patch_changes_one_container_and_keeps_the_other() {
        let mut object = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}});
        super::strategic(&mut object, &json!({"spec": {"containers": [{"name": "b", "image": "2"}]}}));
        assert_eq!(object, json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}));
    }

    #[test]
    fn null_deletes_a_field() {
        let mut object = json!({"metadata": {"labels": {"x": "1", "y": "2"}}});
        super::merge(&mut object, &json!({"metadata": {"labels": {"x": null}}}));
        assert_eq!(object, json!({"metadata": {"labels": {"y": "2"}}}));
    }
}
