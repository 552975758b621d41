//! YAML and JSON text to objects and back; many documents in one text.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// Every document of a text that is not empty.
pub fn documents(text: &str) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for document in serde_norway::Deserializer::from_str(text) {
        let value = Value::deserialize(document).context("parsing YAML")?;
        if !value.is_null() {
            documents.push(value);
        }
    }
    Ok(documents)
}

/// One document.
pub fn parse(text: &str) -> Result<Value> {
    serde_norway::from_str(text).context("parsing YAML")
}

/// An object as YAML with its keys sorted, as Kubernetes writes it.
pub fn write(value: &Value) -> String {
    serde_norway::to_string(&sorted(value)).unwrap_or_default()
}

/// The same value, keys of every map in order.
pub fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            Value::Object(entries.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

/// A text field, empty when it is not there.
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A list field, empty when it is not there.
pub fn items<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets a field, making the maps on the way; `path` is a JSON pointer.
pub fn set(value: &mut Value, path: &str, new: Value) {
    let mut at = value;
    for key in path.trim_start_matches('/').split('/') {
        let key = key.replace("~1", "/");
        if !at.is_object() {
            *at = Value::Object(serde_json::Map::new());
        }
        at = &mut at[key];
    }
    *at = new;
}
