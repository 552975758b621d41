//! The plan, done: what can fail comes before what changes packages, and takes back what it wrote.

use crate::apt::policy;
use crate::machine;
use crate::plan::{Change, Plan};
use crate::system::{self, System};
use ansible::{AbortGuard, Run, Steps};
use anyhow::{Context as _, ensure};
use host::files;
use host::space;
use kubeadm::program;
use kubeadm::version::Version;
use node::containerd::release;
use std::path::Path;

/// A machine that is filled to the last byte runs nothing.
const SPARE: u64 = 64 << 20;

/// Does it.
pub fn apply(mut plan: Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    let Some(mut system) = plan.system.take() else { return by_ourselves(&plan, run, done) };
    let held = system.begin(plan.theirs, run)?;
    // Whoever had the lock may have been killed meanwhile: what was interrupted is looked at under it.
    plan.finish |= system.packages(&run.deadline)?.interrupted;
    let mut written = Written::default();
    // What it cannot do for want of another package comes with the rest.
    let unfinished = finish(&plan, &system, run, done);
    written.write(&plan.files)?;
    if !plan.install.is_empty() {
        run.phase(&format!("downloading {} packages", plan.coming.len()));
        download(&plan, &system, run)?;
    } else {
        unfinished?;
    }
    written.keep(done);
    if plan.left_over {
        done.did("removed the policy-rc.d that an interrupted run had left");
    }
    install(&plan, &system, run, done)?;
    mark(&plan, run, done)?;
    drop(held);
    run.phase("making sure");
    prove(&plan, &system, run)
}

/// What needs no repository: holds, files of ours, a policy that is left over.
fn by_ourselves(plan: &Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if plan.left_over {
        policy::release()?;
        done.did("removed the policy-rc.d that an interrupted run had left");
    }
    let mut written = Written::default();
    written.write(&plan.files)?;
    written.keep(done);
    mark(plan, run, done)
}

fn finish(plan: &Plan, system: &System, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if !plan.finish {
        return Ok(());
    }
    run.phase("finishing what was interrupted");
    system.finish(&run.deadline)?;
    done.did("finished what dpkg was interrupted in");
    Ok(())
}

fn download(plan: &Plan, system: &System, run: &Run) -> anyhow::Result<()> {
    let needed = system.download(&plan.install, &run.deadline)?;
    let there = space::of("/usr")?;
    ensure!(
        there.available >= needed + SPARE,
        "downloading the packages: there is no space left: they take {} MB, and /usr has {} MB; nothing was installed",
        needed / 1_000_000,
        there.available / 1_000_000
    );
    Ok(())
}

fn install(plan: &Plan, system: &System, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if !plan.install.is_empty() {
        run.phase(&format!("installing {} packages", plan.coming.len()));
        let begun = system.install(&plan.install, &run.deadline);
        let there = system.packages(&run.deadline)?;
        let came = plan.coming.iter().filter(|coming| there.version(&coming.name) == Some(&coming.to));
        came.for_each(|coming| done.did(format!("installed {coming}")));
        begun.context("what was begun is finished by a further run")?;
        // apt calls itself done while triggers of an interrupted run still wait.
        if plan.proof.iter().any(|(name, _)| there.version(name).is_none()) {
            system.finish(&run.deadline)?;
        }
        let units = system.enable(&plan.units(), &run.deadline)?;
        units.into_iter().for_each(|unit| done.did(format!("enabled {unit}")));
    }
    if !plan.remove.is_empty() {
        run.phase(&format!("removing {}", plan.remove.join(", ")));
        system.remove(&plan.remove, &run.deadline)?;
        plan.remove.iter().for_each(|name| done.did(format!("removed {name}")));
    }
    Ok(())
}

fn mark(plan: &Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    for (selection, names, said) in [("hold", &plan.hold, "held back"), ("install", &plan.free, "held back no longer")]
    {
        if !names.is_empty() {
            system::select_apt(names, selection, run)?;
            done.did(format!("{said}: {}", names.join(", ")));
        }
    }
    Ok(())
}

/// What was asked for is there, whole, of the version that was chosen, and runs.
fn prove(plan: &Plan, system: &System, run: &Run) -> anyhow::Result<()> {
    let there = system.packages(&run.deadline)?;
    let manager = system.name();
    for (name, wanted) in &plan.proof {
        let version = there.version(name).with_context(|| {
            let state = there.all.get(name).map_or("does not know it", |package| package.state.as_str());
            format!("{manager} has ended well, and {name} is not installed: its record says {state:?}")
        })?;
        if let Some(wanted) = wanted {
            ensure!(version == wanted, "{manager} has ended well, and {name} is {version} instead of {wanted}");
        }
    }
    if plan.containerd {
        release::installed(&run.deadline).context("containerd is installed, and does not say its version")?;
    }
    let lacking = if plan.plugins { machine::plugins_lacking() } else { Vec::new() };
    ensure!(lacking.is_empty(), "CNI plugins are installed, and {} is not among them", lacking.join(", "));
    let Some(wanted) = plan.kubernetes else { return Ok(()) };
    let says: Option<Version> = program::version(&run.deadline)?;
    let says = says.context("kubeadm is installed, and is not on the search path")?;
    ensure!(
        says == wanted,
        "package kubeadm {wanted} is installed, and the kubeadm on the search path is {says}: another one hides it"
    );
    Ok(())
}

/// Files that were written, and that go back to what they were unless they are kept.
#[derive(Default)]
struct Written(Vec<(Change, AbortGuard)>);

impl Written {
    fn write(&mut self, changes: &[Change]) -> anyhow::Result<()> {
        for change in changes {
            let back = change.clone();
            // A further run writes it as it is to be; there is nobody left to tell.
            let abort = ansible::on_abort(move || put(&back.path, back.before.as_deref()).unwrap_or_default());
            self.0.push((change.clone(), abort));
            put(&change.path, change.after.as_deref())?;
        }
        Ok(())
    }

    fn keep(&mut self, done: &mut Steps) {
        for (change, _) in self.0.drain(..) {
            let verb = if change.after.is_some() { "wrote" } else { "deleted" };
            done.did(format!("{verb} {}", change.path.display()));
        }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        for (change, _) in self.0.drain(..).rev() {
            let _ = put(&change.path, change.before.as_deref());
        }
    }
}

fn put(path: &Path, text: Option<&[u8]>) -> anyhow::Result<()> {
    let Some(text) = text else { return files::delete_file(path).map(drop) };
    if let Some(directory) = path.parent() {
        files::make_dir(directory, 0o755)?;
    }
    files::write_atomic(path, text, 0o644)
}
