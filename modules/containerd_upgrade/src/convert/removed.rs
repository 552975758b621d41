//! What a release no longer knows: said another way, left out where it says nothing, or asked of a person.

use super::{IMAGES, Notes, RUNTIME, moves};
use node::containerd::config::paths::{self, table, value};
use node::containerd::release::Release;
use toml_edit::{Array, DocumentMut, Value};

const SHIM: &str = "io.containerd.runc.v2";
/// Their shims are not in containerd 2.
pub(crate) const OLD_TYPES: [&str; 2] = ["io.containerd.runc.v1", "io.containerd.runtime.v1.linux"];

pub(super) fn removed(document: &mut DocumentMut, target: Release, notes: &mut Notes) -> anyhow::Result<()> {
    let containerd = ["plugins", RUNTIME, "containerd"];
    promoted(document, "default_runtime", "default", notes)?;
    promoted(document, "untrusted_workload_runtime", "untrusted", notes)?;
    for key in [&["no_pivot"][..], &["disable_cgroup"], &["systemd_cgroup"]] {
        let at =
            if key == ["no_pivot"] { [&containerd[..], key].concat() } else { [&["plugins", RUNTIME], key].concat() };
        let on = value(document, &at).and_then(Value::as_bool) == Some(true);
        if on && key != ["systemd_cgroup"] {
            notes.ask(format!(
                "{} is true, and containerd {}.{} does not have it: take it out first",
                key[0], target.major, target.minor
            ));
        } else if moves::take(document, &at).is_some() {
            notes.did(format!("{}, which is gone, is left out", key[0]));
        }
    }
    for name in moves::names(document, &[&containerd[..], &["runtimes"]].concat()) {
        runtime(document, &name, notes)?;
    }
    cni(document, target, notes)?;
    for plugin in ["io.containerd.runtime.v1.linux", "io.containerd.snapshotter.v1.aufs"] {
        if moves::take(document, &["plugins", plugin]).is_some() {
            notes.did(format!("the section of {plugin}, which is gone, is left out"));
        }
    }
    if value(document, &["plugins", IMAGES, "snapshotter"]).and_then(Value::as_str) == Some("aufs") {
        notes.ask("the snapshotter is aufs, which is gone: its images are in no other, so set snapshotter to overlayfs and empty the node first");
    }
    if let Some((_, item)) = moves::take(document, &["plugin_dir"]) {
        if item.as_str().is_some_and(|directory| !directory.is_empty()) {
            notes.ask(
                "plugin_dir names a directory of Go plugins, which containerd 2.1 loads no more: take it out first",
            );
        }
        notes.did("plugin_dir, which is gone, is left out");
    }
    if target >= (Release { major: 2, minor: 4 }) {
        fourth_minor(document, notes);
    }
    if target >= (Release { major: 2, minor: 7 }) {
        registries(document, notes);
    }
    Ok(())
}

/// Two runtimes had tables of their own; containerd 1 reads them as runtimes of these names.
fn promoted(document: &mut DocumentMut, table_name: &str, runtime: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let from = ["plugins", RUNTIME, "containerd", table_name];
    let kind = value(document, &[&from[..], &["runtime_type"]].concat()).and_then(Value::as_str).unwrap_or_default();
    if kind.is_empty() {
        if moves::take(document, &from).is_some() {
            notes.did(format!("{table_name}, which says nothing, is left out"));
        }
        return Ok(());
    }
    moves::rename(document, &from, &["plugins", RUNTIME, "containerd", "runtimes", runtime])?;
    notes.did(format!("{table_name} becomes the runtime {runtime}"));
    if runtime == "default" {
        paths::set(document, &["plugins", RUNTIME, "containerd", "default_runtime_name"], runtime)?;
    }
    Ok(())
}

fn runtime(document: &mut DocumentMut, name: &str, notes: &mut Notes) -> anyhow::Result<()> {
    let at = ["plugins", RUNTIME, "containerd", "runtimes", name];
    let key = |key: &'static str| [&at[..], &[key]].concat();
    let kind = value(document, &key("runtime_type")).and_then(Value::as_str).unwrap_or_default().to_owned();
    if OLD_TYPES.contains(&kind.as_str()) {
        paths::set(document, &key("runtime_type"), SHIM)?;
        notes.did(format!("runtime {name} is of {SHIM}, as {kind} is gone"));
    }
    if let Some((_, item)) = moves::take(document, &key("runtime_root")) {
        if let Some(root) = item.as_str().filter(|root| !root.is_empty()) {
            paths::set(document, &[&at[..], &["options", "Root"]].concat(), root)?;
        }
        notes.did(format!("runtime_root of runtime {name} becomes Root of its options"));
    }
    if let Some((_, item)) = moves::take(document, &key("runtime_engine")) {
        if let Some(engine) = item.as_str().filter(|engine| !engine.is_empty()) {
            paths::set(document, &[&at[..], &["options", "BinaryName"]].concat(), engine)?;
        }
        notes.did(format!("runtime_engine of runtime {name} becomes BinaryName of its options"));
    }
    if let Some((_, item)) = moves::take(document, &[&at[..], &["options", "CriuPath"]].concat())
        && item.as_str().is_some_and(|path| !path.is_empty())
    {
        notes.did(format!("CriuPath of runtime {name} is left out: criu is looked for on the search path"));
    }
    Ok(())
}

/// A list since 2.1; 2.4 knows nothing else.
fn cni(document: &mut DocumentMut, target: Release, notes: &mut Notes) -> anyhow::Result<()> {
    if !target.has_bin_dirs() {
        return Ok(());
    }
    let cni = ["plugins", RUNTIME, "cni"];
    let (one, list) = ([&cni[..], &["bin_dir"]].concat(), [&cni[..], &["bin_dirs"]].concat());
    let Some(directory) = value(document, &one).and_then(Value::as_str).map(str::to_owned) else { return Ok(()) };
    if directory.is_empty() {
        return Ok(());
    }
    let has_list = value(document, &list).and_then(Value::as_array).is_some_and(|list| !list.is_empty());
    if let Some((key, item)) = moves::take(document, &one)
        && !has_list
    {
        let mut dirs = Value::Array([directory.as_str()].into_iter().collect::<Array>());
        if let Some(decor) = item.as_value().map(Value::decor) {
            *dirs.decor_mut() = decor.clone();
        }
        moves::take(document, &list);
        moves::put(document, &list, (key, toml_edit::Item::Value(dirs)))?;
    }
    notes.did(format!("bin_dir becomes bin_dirs, with {directory} in it"));
    Ok(())
}

/// Kept until 2.7 (containerd#14178).
fn registries(document: &mut DocumentMut, notes: &mut Notes) {
    for key in ["mirrors", "configs", "auths"] {
        let at = ["plugins", IMAGES, "registry", key];
        if table(document, &at).is_some_and(|table| !table.is_empty()) {
            notes.ask(format!(
                "registry.{key} is read no more: write a hosts.toml for each registry below a directory, and name that as registry.config_path"
            ));
        } else {
            moves::take(document, &at);
        }
    }
}

/// RELEASES.md, containerd#14166: removed in 2.4.
fn fourth_minor(document: &mut DocumentMut, notes: &mut Notes) {
    if let Some((_, item)) = moves::take(document, &["plugins", RUNTIME, "enable_cdi"]) {
        if item.as_bool() == Some(false) {
            notes.ask("enable_cdi is false, and CDI is always on from here: take it out if that is right");
        }
        notes.did("enable_cdi, which is always on, is left out");
    }
    for (plugin, keys) in [
        ("io.containerd.tracing.processor.v1.otlp", &["endpoint", "protocol", "insecure"][..]),
        ("io.containerd.internal.v1.tracing", &["service_name", "sampling_ratio"]),
    ] {
        for key in keys {
            if let Some((_, item)) = moves::take(document, &["plugins", plugin, key])
                && item.as_str().is_some_and(|text| !text.is_empty())
            {
                notes.ask(format!("{key} of {plugin} is read no more: give the unit the OTEL_ environment variable for it, and take the key out"));
            }
        }
        moves::drop_empty(document, &["plugins", plugin]);
    }
}
