//! A taint, as text and as the Node has it.

use crate::names::{is_key, is_value};
use anyhow::{Context as _, ensure};
use serde_json::Value;

/// What a taint does to pods that do not tolerate it.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// A taint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// Its key.
    pub key: String,
    /// Its value, often empty.
    pub value: String,
    /// One of three.
    pub effect: String,
}

impl Taint {
    /// Reads `key=value:effect` or `key:effect`.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let right =
            "use key=value:effect or key:effect, with one of the effects NoSchedule, PreferNoSchedule and NoExecute";
        let (rest, effect) =
            text.rsplit_once(':').with_context(|| format!("the taint {text:?} has no effect: {right}"))?;
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        ensure!(is_key(key) && is_value(value) && EFFECTS.contains(&effect), "the taint {text:?} is not one: {right}");
        ensure!(
            !key.starts_with("node.kubernetes.io/"),
            "the taint {text:?} is one that the cluster itself sets and takes away"
        );
        Ok(Taint { key: key.into(), value: value.into(), effect: effect.into() })
    }

    /// Reads one item of `spec.taints`.
    pub fn of(item: &Value) -> Self {
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        Taint { key: text("key"), value: text("value"), effect: text("effect") }
    }

    /// What is one taint, whatever its value: `key:effect`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.key, self.effect)
    }

    /// As kubectl takes it.
    pub fn text(&self) -> String {
        if self.value.is_empty() { self.place() } else { format!("{}={}:{}", self.key, self.value, self.effect) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn taints_are_read_and_what_is_none_is_refused() {
        for text in ["dedicated=media:NoSchedule", "a.b/c:NoExecute"] {
            assert_eq!(Taint::read(text).unwrap().text(), text);
        }
        for text in ["x", "x:Never", "=y:NoSchedule", "x=a b:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"] {
            assert!(Taint::read(text).unwrap_err().to_string().contains(text), "{text}");
        }
    }
}
