//! Writes the files, proves them, starts containerd anew, and waits until it answers; takes it all back when it does not.

mod prove;
mod ready;

pub use ready::wait;

use crate::containerd::args::Args;
use crate::containerd::journal;
use crate::containerd::plan::{self, FileEdit, Plan};
use crate::containerd::service::UNIT;
use anyhow::bail;
use host::deadline::Deadline;
use host::{files, systemd};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// Does it. When containerd does not come up with an edited configuration, the previous one is put back, containerd is
/// started with that, and the edited one is kept beside it as `<name>.rejected`.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<()> {
    for edit in plan.config.iter().chain(&plan.crictl) {
        write(edit)?;
    }
    let Err(why) = prove::prove(plan, deadline).and_then(|()| start(args, plan, deadline)) else { return Ok(()) };
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
    let mode = files::mode_or(&edit.path, 0o644);
    if let (None, Some(parent)) = (&edit.before, edit.path.parent()) {
        files::make_dir(parent, 0o755)?;
    }
    files::write_atomic(&edit.path, edit.after.as_bytes(), mode)
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
    let runtime = wait(args, since, deadline)?;
    // It answers: that is not yet what was asked for. Left alone, every run would restart it again.
    if let Some(why) = plan.wanted.as_ref().and_then(|wanted| plan::unlike(wanted, &runtime)) {
        bail!("containerd was {}ed, and still {why}: something that is not in its files decides that", restart.verb);
    }
    Ok(())
}

fn put_back(plan: &Plan) -> anyhow::Result<String> {
    let mut kept = Vec::new();
    for edit in &plan.config {
        let mode = files::mode_or(&edit.path, 0o644);
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
