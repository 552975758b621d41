//! containerd's own reading of the edited files, before it is restarted with them.

use crate::containerd::config::edit::{BinDirSetting, Wanted};
use crate::containerd::config::names::{CRI_PLUGINS, Names};
use crate::containerd::config::paths::value;
use crate::containerd::plan::Plan;
use anyhow::{Context as _, ensure};
use host::deadline::Deadline;
use host::process::Program;
use std::path::Path;

/// Has containerd itself read the files: an edit that another import overrides, or that containerd cannot read, shows.
pub(super) fn prove(plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    let (false, Some(wanted), Some(program)) = (plan.config.is_empty(), &plan.wanted, &plan.program) else {
        return Ok(());
    };
    let config = plan.main.to_string_lossy();
    let dump = Program::new(program).args(["--config", &config, "config", "dump"]).run(deadline)?;
    let dump = dump.success().context("having containerd read its edited configuration")?.stdout_text();
    let document = crate::containerd::config::parse(Path::new("the output of containerd config dump"), &dump)?;
    in_force(&document, wanted)
}

fn in_force(dump: &toml_edit::DocumentMut, wanted: &Wanted) -> anyhow::Result<()> {
    let names = Names::of(dump.get("version").and_then(|v| v.as_integer()).unwrap_or(1));
    let says = |path: &[&str]| value(dump, &[&["plugins"], path].concat()).cloned();
    let disabled = dump.get("disabled_plugins").and_then(|i| i.as_array());
    let disabled = disabled.into_iter().flatten().filter_map(|v| v.as_str()).find(|n| CRI_PLUGINS.contains(n));
    ensure!(disabled.is_none(), "proving the configuration: {} is still disabled", disabled.unwrap_or_default());
    let runtimes = [names.runtime, "containerd"];
    let default = says(&[&runtimes[..], &["default_runtime_name"]].concat());
    let default = default.as_ref().and_then(|v| v.as_str()).unwrap_or("runc");
    let cgroup = says(&[&runtimes[..], &["runtimes", default, "options", "SystemdCgroup"]].concat());
    let cgroup = cgroup.and_then(|v| v.as_bool());
    // A runtime that is not runc has no such option; a missing one is containerd's default, false.
    ensure!(
        cgroup.is_none_or(|c| c == wanted.systemd_cgroup),
        "proving the configuration: SystemdCgroup of runtime {default} is still {}",
        !wanted.systemd_cgroup
    );
    if let Some(image) = &wanted.sandbox_image {
        let found = says(&[&[names.images], names.sandbox_image].concat());
        let found = found.as_ref().and_then(|v| v.as_str()).unwrap_or_default();
        ensure!(found == image, "proving the configuration: the sandbox image is {found:?}, not {image:?}");
    }
    let dirs: &[String] = match &wanted.bin_dir {
        Some(BinDirSetting::One(dir)) => std::slice::from_ref(dir),
        Some(BinDirSetting::List(dirs)) => dirs,
        None => &[],
    };
    let one = says(&[names.runtime, "cni", "bin_dir"]);
    let list = says(&[names.runtime, "cni", "bin_dirs"]);
    let list = list.as_ref().and_then(|v| v.as_array()).into_iter().flatten();
    let found: Vec<&str> = one.iter().chain(list).filter_map(|v| v.as_str()).collect();
    let missing = dirs.iter().find(|d| !found.contains(&d.as_str()));
    ensure!(
        missing.is_none(),
        "proving the configuration: CNI plugins are looked for in {}, not in {}",
        found.join(", "),
        missing.cloned().unwrap_or_default()
    );
    Ok(())
}
