//! Settings that a containerd no longer has: what is written there is passed over without a word, or with a warning in its
//! journal.
//!
//! Source: containerd RELEASES.md ("Deprecated config properties", "Deprecated features"), containerd#14166 for 2.4 and
//! containerd#14178, which keeps the registry's until 2.7.

use super::names::{CRI, IMAGES, RUNTIME};
use super::{Config, ConfigFile};
use crate::containerd::release::Release;
use std::path::PathBuf;
use toml_edit::{Item, Value};

/// One of them in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The file that has it.
    pub file: PathBuf,
    /// The key below `plugins`.
    pub key: String,
    /// The first release without it.
    pub since: Release,
    /// What to write instead.
    pub instead: &'static str,
}

struct Row {
    /// Keys below `plugins`; `*` is any one.
    path: &'static [&'static str],
    since: Release,
    instead: &'static str,
    /// Which values matter: what a generated default has is no setting of anybody.
    matters: fn(&Item) -> bool,
}

const TWO: Release = Release { major: 2, minor: 0 };
const FOUR: Release = Release { major: 2, minor: 4 };
const SEVEN: Release = Release { major: 2, minor: 7 };

const ROWS: &[Row] = &[
    row(&[CRI, "systemd_cgroup"], TWO, "SystemdCgroup in the options of the runtime", says_something),
    row(&[CRI, "containerd", "default_runtime"], TWO, "default_runtime_name", says_something),
    row(&[CRI, "containerd", "untrusted_workload_runtime"], TWO, "a runtime named untrusted", says_something),
    row(&[CRI, "containerd", "runtimes", "*", "runtime_engine"], TWO, "BinaryName in its options", says_something),
    row(&[CRI, "containerd", "runtimes", "*", "runtime_root"], TWO, "Root in its options", says_something),
    row(&[CRI, "containerd", "runtimes", "*", "runtime_type"], TWO, "io.containerd.runc.v2", is_old_shim),
    row(&[CRI, "containerd", "snapshotter"], TWO, "overlayfs", is_aufs),
    row(&[CRI, "disable_cgroup"], TWO, "delegation of cgroup v2", says_something),
    // Below the old name false is the default of 1.7, which nobody chose.
    row(&[RUNTIME, "enable_cdi"], FOUR, "nothing: CDI is always on", is_false),
    // Below the old name it is brought to bin_dirs.
    row(&[RUNTIME, "cni", "bin_dir"], FOUR, "bin_dirs, a list", says_something),
    row(&["io.containerd.tracing.processor.v1.otlp", "endpoint"], FOUR, TRACING, says_something),
    row(&["io.containerd.tracing.processor.v1.otlp", "protocol"], FOUR, TRACING, says_something),
    row(&["io.containerd.tracing.processor.v1.otlp", "insecure"], FOUR, TRACING, says_something),
    row(&["io.containerd.internal.v1.tracing", "service_name"], FOUR, TRACING, says_own_name),
    row(&["io.containerd.internal.v1.tracing", "sampling_ratio"], FOUR, TRACING, says_own_ratio),
    row(&[CRI, "registry", "mirrors"], SEVEN, REGISTRY, says_something),
    row(&[CRI, "registry", "configs"], SEVEN, REGISTRY, says_something),
    row(&[CRI, "registry", "auths"], SEVEN, REGISTRY, says_something),
    row(&[IMAGES, "registry", "mirrors"], SEVEN, REGISTRY, says_something),
    row(&[IMAGES, "registry", "configs"], SEVEN, REGISTRY, says_something),
    row(&[IMAGES, "registry", "auths"], SEVEN, REGISTRY, says_something),
];

const TRACING: &str = "the environment variables OTEL_* of containerd's unit";
const REGISTRY: &str = "hosts.toml files in a directory that config_path names";

const fn row(path: &'static [&'static str], since: Release, instead: &'static str, matters: fn(&Item) -> bool) -> Row {
    Row { path, since, instead, matters }
}

/// What of the files a containerd of that release has no setting for.
pub fn gone(config: &Config, release: Release) -> Vec<Gone> {
    let rows = ROWS.iter().filter(|row| row.since <= release);
    rows.flat_map(|row| config.files.iter().flat_map(move |file| of_row(row, file))).collect()
}

fn of_row(row: &Row, file: &ConfigFile) -> Vec<Gone> {
    let Some(plugins) = file.document.get("plugins") else { return Vec::new() };
    let mut keys = Vec::new();
    below(plugins, row.path, &mut Vec::new(), &mut |path, item| {
        if (row.matters)(item) {
            keys.push(path.join("."));
        }
    });
    keys.into_iter().map(|key| Gone { file: file.path.clone(), key, since: row.since, instead: row.instead }).collect()
}

/// Every item at that path.
fn below(item: &Item, path: &[&str], walked: &mut Vec<String>, found: &mut impl FnMut(&[String], &Item)) {
    let Some((first, rest)) = path.split_first() else { return found(walked, item) };
    let Some(table) = item.as_table_like() else { return };
    // Version 1 has the short name.
    let same = |key: &str| *first == "*" || key == *first || (*first == CRI && key == "cri");
    for (key, inner) in table.iter().filter(|(key, _)| same(key)) {
        walked.push(key.to_owned());
        below(inner, rest, walked, found);
        walked.pop();
    }
}

fn says_something(item: &Item) -> bool {
    match item {
        Item::Value(Value::String(text)) => !text.value().is_empty(),
        Item::Value(Value::Boolean(on)) => *on.value(),
        Item::Value(Value::Integer(number)) => *number.value() != 0,
        Item::Value(Value::Array(list)) => !list.is_empty(),
        Item::None => false,
        other => other.as_table_like().is_none_or(|table| table.iter().any(|(_, inner)| says_something(inner))),
    }
}

fn text(item: &Item) -> &str {
    item.as_str().unwrap_or_default()
}

fn is_false(item: &Item) -> bool {
    item.as_bool() == Some(false)
}

fn is_old_shim(item: &Item) -> bool {
    matches!(text(item), "io.containerd.runtime.v1.linux" | "io.containerd.runc.v1")
}

fn is_aufs(item: &Item) -> bool {
    text(item) == "aufs"
}

fn says_own_name(item: &Item) -> bool {
    says_something(item) && text(item) != "containerd"
}

fn says_own_ratio(item: &Item) -> bool {
    item.as_float().is_some_and(|ratio| (ratio - 1.0).abs() > f64::EPSILON)
}
