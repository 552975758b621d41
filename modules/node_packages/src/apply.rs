//! The plan, done: what can fail comes before what changes packages, and takes back what it wrote.

use crate::apt::command::{Apt, Sources, select};
use crate::apt::policy::{self, Policy};
use crate::apt::simulation;
use crate::apt::status::Packages;
use crate::apt::{locks, words};
use crate::machine;
use crate::plan::{Change, Plan};
use ansible::{AbortGuard, Run, Steps};
use anyhow::{Context as _, bail, ensure};
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
    let Some(mut apt) = plan.apt.take() else { return without_apt(&plan, run, done) };
    locks::wait(run, &run.deadline)?;
    let found = if plan.theirs { Policy::Theirs } else { Policy::None };
    let held = policy::hold(found, &apt.scratch)?;
    apt.policy.clone_from(&held.over);
    let mut written = Written::default();
    // Whoever had the lock may have been killed meanwhile: what was interrupted is looked at under it.
    plan.finish |= Packages::observe()?.interrupted;
    let unfinished = finish(&plan, &apt, run, done);
    written.write(&plan.files)?;
    if !plan.install.is_empty() {
        run.phase(&format!("downloading {} packages", plan.coming.len()));
        download(&plan, &apt, run)?;
    } else {
        unfinished?;
    }
    written.keep(done);
    if plan.left_over {
        done.did("removed the policy-rc.d that an interrupted run had left");
    }
    install(&plan, &apt, run, done)?;
    mark(&plan, run, done)?;
    drop(held);
    run.phase("making sure");
    prove(&plan, run)
}

/// What needs no repository: holds, files of ours, a policy that is left over.
fn without_apt(plan: &Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if plan.left_over {
        policy::release()?;
        done.did("removed the policy-rc.d that an interrupted run had left");
    }
    let mut written = Written::default();
    written.write(&plan.files)?;
    written.keep(done);
    if !plan.hold.is_empty() || !plan.free.is_empty() {
        locks::wait(run, &run.deadline)?;
    }
    mark(plan, run, done)
}

/// dpkg goes on where it was interrupted. What it cannot do for want of another package apt does with the rest.
fn finish(plan: &Plan, apt: &Apt, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if !plan.finish {
        return Ok(());
    }
    configure(apt, run)?;
    done.did("finished what dpkg was interrupted in");
    Ok(())
}

fn configure(apt: &Apt, run: &Run) -> anyhow::Result<()> {
    run.phase("finishing what dpkg was interrupted in");
    let words = ["--force-confdef", "--force-confold", "--configure", "-a"];
    apt.dpkg(&words, "finishing what dpkg was interrupted in", &run.deadline)
}

/// All of it, before anything is unpacked. An index that is older than its repository is read anew, once.
fn download(plan: &Plan, apt: &Apt, run: &Run) -> anyhow::Result<()> {
    let mut words = vec!["-d".to_owned()];
    words.extend(plan.install.iter().cloned());
    let doing = "downloading the packages";
    let mut output = apt.run("apt-get", Sources::Machine, &words, doing, &run.deadline)?;
    if !output.status.success() && words::why(&output).starts_with("it does not have a file") {
        apt.run("apt-get", Sources::Machine, &["update"], "reading the indexes of all sources", &run.deadline)?;
        output = apt.run("apt-get", Sources::Machine, &words, doing, &run.deadline)?;
    }
    if !output.status.success() {
        bail!("{doing}: {}; nothing was installed", words::why(&output));
    }
    let needed = simulation::needed(&output.stdout_text());
    let there = space::of("/usr")?;
    ensure!(
        there.available >= needed + SPARE,
        "{doing}: there is no space left: they take {} MB, and /usr has {} MB; nothing was installed",
        needed / 1_000_000,
        there.available / 1_000_000
    );
    Ok(())
}

fn install(plan: &Plan, apt: &Apt, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    if !plan.install.is_empty() {
        run.phase(&format!("installing {} packages", plan.coming.len()));
        let begun = apt.must("apt-get", Sources::Machine, &plan.install, "installing the packages", &run.deadline);
        let there = Packages::observe()?;
        let came = plan.coming.iter().filter(|coming| there.version(&coming.name) == Some(&coming.to));
        came.for_each(|coming| done.did(format!("installed {coming}")));
        begun.context("what was begun is finished by a further run")?;
        // apt calls itself done while triggers of an interrupted run still wait.
        if plan.proof.iter().any(|(name, _)| Packages::observe().is_ok_and(|there| there.version(name).is_none())) {
            configure(apt, run)?;
        }
    }
    if !plan.remove.is_empty() {
        run.phase(&format!("removing {}", plan.remove.join(", ")));
        let mut words = vec!["--allow-change-held-packages".to_owned(), "remove".into()];
        words.extend(plan.remove.iter().cloned());
        apt.must("apt-get", Sources::Machine, &words, "removing the packages", &run.deadline)?;
        plan.remove.iter().for_each(|name| done.did(format!("removed {name}")));
    }
    Ok(())
}

fn mark(plan: &Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
    for (selection, names, said) in [("hold", &plan.hold, "held back"), ("install", &plan.free, "held back no longer")]
    {
        if !names.is_empty() {
            select(names, selection, &run.deadline)?;
            done.did(format!("{said}: {}", names.join(", ")));
        }
    }
    Ok(())
}

/// What was asked for is there, whole, of the version that was chosen, and runs.
fn prove(plan: &Plan, run: &Run) -> anyhow::Result<()> {
    let there = Packages::observe()?;
    for (name, wanted) in &plan.proof {
        let version =
            there.version(name).with_context(|| format!("apt has ended well, and {name} is not installed"))?;
        if let Some(wanted) = wanted {
            ensure!(version == wanted, "apt has ended well, and {name} is {version} instead of {wanted}");
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
