//! Version 2 to 3: what was one CRI plugin is three, and two others have new names.

use super::{CRI, IMAGES, Notes, RUNTIME, moves};
use node::containerd::config::names::STAYED;
use node::containerd::config::paths;
use toml_edit::{DocumentMut, Item, Value};

/// What went to the plugin for images, as it was called and as it is.
const TO_IMAGES: [(&[&str], &[&str]); 10] = [
    (&["sandbox_image"], &["pinned_images", "sandbox"]),
    (&["registry"], &["registry"]),
    (&["image_decryption"], &["image_decryption"]),
    (&["max_concurrent_downloads"], &["max_concurrent_downloads"]),
    (&["image_pull_progress_timeout"], &["image_pull_progress_timeout"]),
    (&["image_pull_with_sync_fs"], &["image_pull_with_sync_fs"]),
    (&["stats_collect_period"], &["stats_collect_period"]),
    (&["containerd", "snapshotter"], &["snapshotter"]),
    (&["containerd", "disable_snapshot_annotations"], &["disable_snapshot_annotations"]),
    (&["containerd", "discard_unpacked_layers"], &["discard_unpacked_layers"]),
];

/// Plugins with other names since 2.0.
const RENAMED: [(&str, &str); 2] = [
    ("io.containerd.monitor.v1.cgroups", "io.containerd.monitor.task.v1.cgroups"),
    ("io.containerd.internal.v1.restart", "io.containerd.monitor.container.v1.restart"),
];

pub(super) fn to_third(document: &mut DocumentMut, notes: &mut Notes) -> anyhow::Result<()> {
    if moves::rename(document, &["plugins", CRI], &["plugins", RUNTIME])? {
        notes.did(format!("{CRI} becomes {RUNTIME}"));
        for key in STAYED {
            if moves::rename(document, &["plugins", RUNTIME, key], &["plugins", CRI, key])? {
                notes.did(format!("{key} stays in {CRI}"));
            }
        }
        for (from, to) in TO_IMAGES {
            let (old, new) = (from.join("."), to.join("."));
            let (from, to) = ([&["plugins", RUNTIME], from].concat(), [&["plugins", IMAGES], to].concat());
            if moves::rename(document, &from, &to)? {
                let name = if old == new { String::new() } else { format!(", as {new}") };
                notes.did(format!("{old} goes to {IMAGES}{name}"));
            }
        }
        for runtime in moves::names(document, &["plugins", RUNTIME, "containerd", "runtimes"]) {
            let at = ["plugins", RUNTIME, "containerd", "runtimes", &runtime];
            let (from, to) = ([&at[..], &["sandbox_mode"]].concat(), [&at[..], &["sandboxer"]].concat());
            if moves::rename(document, &from, &to)? {
                notes.did(format!("sandbox_mode of runtime {runtime} becomes sandboxer"));
            }
        }
        moves::drop_empty(document, &["plugins", RUNTIME, "containerd"]);
        moves::drop_empty(document, &["plugins", RUNTIME]);
    }
    for (from, to) in RENAMED {
        if moves::rename(document, &["plugins", from], &["plugins", to])? {
            notes.did(format!("{from} becomes {to}"));
        }
    }
    sched_core(document, notes)
}

/// Core scheduling is asked for in the shim's environment now.
fn sched_core(document: &mut DocumentMut, notes: &mut Notes) -> anyhow::Result<()> {
    let Some((_, item)) = moves::take(document, &["plugins", "io.containerd.runtime.v2.task", "sched_core"]) else {
        return Ok(());
    };
    moves::drop_empty(document, &["plugins", "io.containerd.runtime.v2.task"]);
    if item.as_value().and_then(Value::as_bool) == Some(true) {
        let env: toml_edit::Array = ["SCHED_CORE=1"].into_iter().collect();
        paths::set(document, &["plugins", "io.containerd.shim.v1.manager", "env"], Value::Array(env))?;
        notes.did("sched_core becomes SCHED_CORE=1 in the environment of the shims");
    } else {
        let _nothing: Item = item;
        notes.did("sched_core, which is off, goes");
    }
    Ok(())
}
