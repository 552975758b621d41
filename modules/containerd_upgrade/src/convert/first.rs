//! Version 1 to 2: plugins get their whole names (containerd `v1Migrate`).

use super::{Notes, moves};
use toml_edit::{DocumentMut, Value};

/// The short names that version 1 knows.
const NAMES: [(&str, &str); 16] = [
    ("cri", "io.containerd.grpc.v1.cri"),
    ("cgroups", "io.containerd.monitor.v1.cgroups"),
    ("linux", "io.containerd.runtime.v1.linux"),
    ("scheduler", "io.containerd.gc.v1.scheduler"),
    ("bolt", "io.containerd.metadata.v1.bolt"),
    ("task", "io.containerd.runtime.v2.task"),
    ("opt", "io.containerd.internal.v1.opt"),
    ("restart", "io.containerd.internal.v1.restart"),
    ("tracing", "io.containerd.internal.v1.tracing"),
    ("otlp", "io.containerd.tracing.processor.v1.otlp"),
    ("aufs", "io.containerd.snapshotter.v1.aufs"),
    ("btrfs", "io.containerd.snapshotter.v1.btrfs"),
    ("devmapper", "io.containerd.snapshotter.v1.devmapper"),
    ("native", "io.containerd.snapshotter.v1.native"),
    ("overlayfs", "io.containerd.snapshotter.v1.overlayfs"),
    ("zfs", "io.containerd.snapshotter.v1.zfs"),
];

fn whole(name: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    match NAMES.iter().find(|(short, _)| *short == name) {
        Some((_, whole)) => (*whole).to_owned(),
        None if name.ends_with("-service") => format!("io.containerd.service.v1.{name}"),
        None => format!("io.containerd.grpc.v1.{name}"),
    }
}

pub(super) fn to_second(document: &mut DocumentMut, notes: &mut Notes) -> anyhow::Result<()> {
    for name in moves::names(document, &["plugins"]) {
        let whole = whole(&name);
        if whole != name && moves::rename(document, &["plugins", &name], &["plugins", &whole])? {
            notes.did(format!("plugin {name} becomes {whole}"));
        }
    }
    for list in ["disabled_plugins", "required_plugins"] {
        let Some(list) = document.get_mut(list).and_then(|item| item.as_array_mut()) else { continue };
        for value in list.iter_mut() {
            let Some(name) = value.as_str().filter(|name| !name.contains('.')).map(str::to_owned) else { continue };
            let decor = value.decor().clone();
            *value = Value::from(whole(&name));
            *value.decor_mut() = decor;
            notes.did(format!("plugin {name} becomes {} in a list", whole(&name)));
        }
    }
    Ok(())
}
