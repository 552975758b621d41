//! Settings as they are in force: what `containerd config dump` prints, as a list of paths and values, so that what was in
//! force before can be looked for under its new name. Pure.

use crate::convert::{self, CRI, IMAGES, RUNTIME};
use anyhow::Context as _;
use node::containerd::config::paths;
use node::containerd::release::Release;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml_edit::{DocumentMut, Item, TableLike, Value};

/// Path and value, spelled as TOML.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings(pub BTreeMap<String, String>);

/// Between the parts of a path: no key has it.
const DOT: &str = "\u{1f}";

/// One that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    path: Vec<String>,
    was: String,
    /// Now; none when the release does not have it at all.
    now: Option<String>,
}

impl Settings {
    /// What a document says.
    pub fn of(document: &DocumentMut) -> Self {
        let mut settings = Settings::default();
        flatten(document.as_table(), &mut Vec::new(), &mut settings.0);
        settings
    }

    /// A dump of the containerd of now, as the target's dump should look.
    pub fn expected(dump: &str, target: Release) -> anyhow::Result<Self> {
        let mut document: DocumentMut = dump.parse().context("reading the output of containerd config dump")?;
        let version = document.get("version").and_then(Item::as_integer).unwrap_or(1);
        convert::convert(&mut document, version, target)?;
        Ok(Settings::of(&document))
    }

    /// What of these is not so in `now`. `written` are the settings of the machine's own files: what nobody wrote and the
    /// target does not have is no setting.
    pub fn differences(&self, now: &Settings, written: &[Settings], target: Release) -> Vec<Differs> {
        let is_written = |path: &str| written.iter().any(|one| one.0.contains_key(path));
        let mut all = Vec::new();
        for (path, was) in &self.0 {
            let parts: Vec<&str> = path.split(DOT).collect();
            if matches!(parts.first(), Some(&("version" | "imports"))) || passed_over(&parts, target) {
                continue;
            }
            let cri =
                parts.first() == Some(&"plugins") && parts.get(1).is_some_and(|p| [CRI, IMAGES, RUNTIME].contains(p));
            let now = now.0.get(path);
            let differs = match now {
                Some(now) => now != was && (cri || is_written(path)) && !(says_nothing(now) && says_nothing(was)),
                None => is_written(path) && !says_nothing(was),
            };
            if differs {
                let path = parts.iter().map(|part| (*part).to_owned()).collect();
                all.push(Differs { path, was: was.clone(), now: now.cloned() });
            }
        }
        all
    }
}

impl Differs {
    /// `sandbox of io.containerd.cri.v1.images would become "x" and stays "y"`.
    pub fn words(&self) -> String {
        let name = self.path.join(".").replace("plugins.", "");
        match &self.now {
            Some(now) => format!("{name} stays {}, which would become {now}", self.was),
            None => format!("{name} = {}, which the new one does not have", self.was),
        }
    }

    /// Whether it can be written down; otherwise a person has to decide.
    pub fn can_be_kept(&self) -> bool {
        self.now.is_some()
    }

    /// Where it belongs.
    pub fn section(&self) -> Vec<&str> {
        self.path.iter().take(2).map(String::as_str).collect()
    }

    /// Its whole path.
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// Writes it into a document.
    pub fn keep(&self, document: &mut DocumentMut) -> anyhow::Result<()> {
        let value: Value = self.was.parse().with_context(|| format!("reading {}", self.was))?;
        paths::set(document, &self.path(), value).map(drop)
    }
}

/// CDI is on by default since 2.0 and always from 2.4; switching it off is warned of since 2.2.
fn passed_over(parts: &[&str], target: Release) -> bool {
    parts.last() == Some(&"enable_cdi") && target >= (Release { major: 2, minor: 2 })
}

fn says_nothing(value: &str) -> bool {
    matches!(value, "\"\"" | "false" | "0" | "[]" | "{}" | "\"0s\"" | "0.0")
}

fn flatten(table: &dyn TableLike, at: &mut Vec<String>, into: &mut BTreeMap<String, String>) {
    for (key, item) in table.iter() {
        at.push(key.to_owned());
        match item.as_table_like() {
            Some(inner) => flatten(inner, at, into),
            None => {
                into.insert(at.join(DOT), spelled(item));
            }
        }
        at.pop();
    }
}

fn spelled(item: &Item) -> String {
    item.as_value().map_or_else(|| item.to_string().trim().to_owned(), value)
}

/// A value without the comments and the quotes of its author.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) => Value::from(text.value().as_str()).to_string(),
        Value::Array(list) => format!("[{}]", list.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        Value::Integer(number) => number.value().to_string(),
        Value::Float(number) => number.value().to_string(),
        Value::Boolean(yes) => yes.value().to_string(),
        other => other.to_string().trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Release = Release { major: 2, minor: 1 };

    fn settings(text: &str) -> Settings {
        Settings::of(&text.parse().unwrap())
    }

    #[test]
    fn what_would_become_another_is_named_and_can_be_kept() {
        let was = "version = 2\n[plugins.\"io.containerd.grpc.v1.cri\"]\nsandbox_image = 'p:3.6'\nenable_unprivileged_ports = false\n[plugins.\"io.containerd.grpc.v1.cri\".cni]\nbin_dir = \"/b\"\n";
        let expected = Settings::expected(was, TARGET).unwrap();
        let now = settings(
            "version = 3\n[plugins.'io.containerd.cri.v1.images'.pinned_images]\nsandbox = \"p:3.10\"\n[plugins.'io.containerd.cri.v1.runtime']\nenable_unprivileged_ports = true\n[plugins.'io.containerd.cri.v1.runtime'.cni]\nbin_dirs = ['/b']\n",
        );
        let differs = expected.differences(&now, &[], TARGET);
        let names: Vec<String> = differs.iter().map(Differs::words).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert_eq!(
            names[0],
            "io.containerd.cri.v1.images.pinned_images.sandbox stays \"p:3.6\", which would become \"p:3.10\""
        );
        let mut document = DocumentMut::new();
        differs.iter().for_each(|one| one.keep(&mut document).unwrap());
        assert!(settings(&document.to_string()).0.values().any(|value| value == "\"p:3.6\""));
    }

    #[test]
    fn what_nobody_wrote_and_the_target_does_not_have_is_no_setting() {
        let expected = settings("[plugins.x]\na = 'y'\nb = false\n");
        let now = settings("[plugins.x]\n");
        assert!(expected.differences(&now, &[], TARGET).is_empty());
        let lost = expected.differences(&now, &[settings("[plugins.x]\na = 'y'\nb = false\n")], TARGET);
        assert_eq!(
            lost.iter().map(Differs::words).collect::<Vec<_>>(),
            ["x.a = \"y\", which the new one does not have"]
        );
        assert!(!lost[0].can_be_kept());
    }
}
