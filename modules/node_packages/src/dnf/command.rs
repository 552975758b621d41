//! How dnf is called: without a question, with sources and a cache of our own, and with a limit.

use super::words;
use anyhow::bail;
use host::deadline::Deadline;
use host::process::{Output, Program, TimedOut};
use kubeadm::program;
use std::path::{Path, PathBuf};

/// In every call. What a repository of ours holds back is for others: see [`crate::repository`].
const ALWAYS: &[&str] = &[
    "--color=never",
    "--setopt=install_weak_deps=False",
    "--setopt=keepcache=True",
    "--setopt=timeout=20",
    "--setopt=retries=2",
    "--setopt=clean_requirements_on_remove=False",
    "--setopt=disable_excludes=kubejoin-kubernetes,kubejoin-containerd",
];

/// dnf with a scratch directory, in which `repos` has the sources as they are to be.
#[derive(Debug, Clone)]
pub struct Dnf {
    /// The directory.
    pub scratch: PathBuf,
}

impl Dnf {
    /// Of this scratch directory.
    pub fn new(scratch: &Path) -> Self {
        Dnf { scratch: scratch.to_owned() }
    }

    /// Runs it. `doing` is what it is for, in an error.
    pub fn run<S: AsRef<str>>(&self, args: &[S], doing: &str, deadline: &Deadline) -> anyhow::Result<Output> {
        let scratch = self.scratch.display();
        let mut all: Vec<String> = ALWAYS.iter().map(|option| (*option).to_owned()).collect();
        all.push(format!("--setopt=reposdir={scratch}/repos"));
        all.push(format!("--setopt=cachedir={scratch}/cache"));
        all.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        let running = Program::new("dnf").args(all).env("PATH", program::search_path()).keep_all().start()?;
        let group = running.group();
        let _abort = ansible::on_abort(move || group.kill());
        running.wait(deadline, |_| Ok(())).map_err(|error| match error.is::<TimedOut>() {
            true => {
                anyhow::anyhow!("{doing}: dnf was not done in time and was ended; a further run goes on from there")
            }
            false => error,
        })
    }

    /// The same for what has to end well.
    pub fn must<S: AsRef<str>>(&self, args: &[S], doing: &str, deadline: &Deadline) -> anyhow::Result<Output> {
        let output = self.run(args, doing, deadline)?;
        if !output.status.success() {
            bail!("{doing}: {}", words::why(&output));
        }
        Ok(output)
    }
}
