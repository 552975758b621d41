//! Writes the files, proves them, starts containerd anew, and waits until it answers; takes it all back when it does not.

use crate::args::Args;
use crate::config::edit::{BinDirSetting, Wanted};
use crate::config::names::{CRI_PLUGINS, Names};
use crate::config::paths::value;
use crate::journal;
use crate::observe::Runtime;
use crate::plan::{FileEdit, Plan};
use crate::release;
use anyhow::{Context as _, bail, ensure};
use host::cri::{self, Client, Error};
use host::deadline::{Deadline, Look};
use host::process::Program;
use host::{files, systemd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const UNIT: &str = "containerd.service";
/// How often an answer is looked for.
const EVERY: Duration = Duration::from_millis(200);

/// Does it. When containerd does not come up with an edited configuration, the previous one is put back, containerd is
/// started with that, and the edited one is kept beside it as `<name>.rejected`.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    for edit in plan.config.iter().chain(&plan.crictl) {
        write(edit)?;
    }
    let Err(why) = prove(args, plan, deadline).and_then(|()| start(args, plan, deadline)) else { return Ok(()) };
    if plan.config.is_empty() {
        return Err(why);
    }
    // Even when the budget is spent the node must not be left with a configuration that does not work.
    let after = match put_back(plan) {
        Ok(kept) => {
            let again =
                plan.restart.as_ref().map(|_| systemd::restart(UNIT, &Deadline::after(Duration::from_secs(30))));
            let state = match again {
                Some(Err(e)) => format!(", with which containerd does not start either ({e:#})"),
                _ => String::new(),
            };
            format!("the previous configuration is back{state}, the rejected one is kept as {kept}")
        }
        Err(e) => format!("putting the previous configuration back failed too: {e:#}"),
    };
    bail!("{why:#}; {after}")
}

fn write(edit: &FileEdit) -> anyhow::Result<()> {
    let mode = std::fs::metadata(&edit.path).map_or(0o644, |m| m.permissions().mode() & 0o7777);
    if let (None, Some(parent)) = (&edit.before, edit.path.parent()) {
        files::make_dir(parent, 0o755)?;
    }
    files::write_atomic(&edit.path, edit.after.as_bytes(), mode)
}

/// Has containerd itself read the files: an edit that another import overrides, or that containerd cannot read, shows.
fn prove(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    let (false, Some(wanted), Some(program)) = (plan.config.is_empty(), &plan.wanted, release::program()) else {
        return Ok(());
    };
    let config = args.config_path.to_string_lossy();
    let dump = Program::new(program).args(["--config", &config, "config", "dump"]).run(deadline)?;
    let dump = dump.success().context("having containerd read its edited configuration")?.stdout_text();
    let document = crate::config::parse(Path::new("the output of containerd config dump"), &dump)?;
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

fn start(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    let Some(restart) = &plan.restart else { return Ok(()) };
    // After five failed starts in a row systemd refuses a sixth; whatever was wrong before may be right now.
    systemd::reset_failed(UNIT, deadline).ok();
    let since = SystemTime::now();
    if let Err(e) = systemd::restart(UNIT, deadline) {
        let said = journal::answer(UNIT, since).unwrap_or_else(|| format!("{e:#}"));
        bail!("{}ing containerd: {said}", restart.verb);
    }
    wait(args, since, deadline).map(drop)
}

/// Waits until containerd answers and calls itself ready; `since` is when it was started, for the journal.
pub fn wait(args: &Args, since: SystemTime, deadline: &Deadline) -> anyhow::Result<Runtime> {
    deadline.poll(EVERY, "an answer from containerd over CRI", || {
        // A hung attempt must leave time for another one.
        match ready(args, &deadline.at_most(Duration::from_secs(5))) {
            Ok(runtime) if runtime.status.holds(cri::RUNTIME_READY) => Ok(Look::Ready(runtime)),
            Ok(runtime) => {
                let condition = runtime.status.condition(cri::RUNTIME_READY);
                let words = condition.map(|c| format!("{} {}", c.reason, c.message)).unwrap_or_default();
                Ok(Look::NotYet(format!("it is not ready: {words}")))
            }
            // containerd serves its socket only when all plugins are loaded: this will not change by waiting.
            Err(e @ Error::NoCri { .. }) => match journal::answer(UNIT, since) {
                Some(line) => bail!("containerd runs, but without CRI: {line}"),
                None => bail!("{e}"),
            },
            Err(e) => Ok(Look::NotYet(e.to_string())),
        }
    })
}

fn ready(args: &Args, deadline: &Deadline) -> Result<Runtime, Error> {
    let mut client = Client::connect(args.socket_path(), deadline)?;
    Ok(Runtime { version: client.version().clone(), status: client.status()? })
}

fn put_back(plan: &Plan) -> anyhow::Result<String> {
    let mut kept = Vec::new();
    for edit in &plan.config {
        let mode = std::fs::metadata(&edit.path).map_or(0o644, |m| m.permissions().mode() & 0o7777);
        let rejected = PathBuf::from(format!("{}.rejected", edit.path.display()));
        files::write_atomic(&rejected, edit.after.as_bytes(), mode)?;
        match &edit.before {
            Some(before) => files::write_atomic(&edit.path, before.as_bytes(), mode)?,
            None => files::delete_file(&edit.path).map(drop)?,
        }
        kept.push(rejected.display().to_string());
    }
    Ok(kept.join(", "))
}
