//! How apt's programs are called: without a question, with lists of our own, and with a limit.

use super::words;
use anyhow::bail;
use host::deadline::Deadline;
use host::process::{Output, Program, TimedOut};
use kubeadm::program;
use std::path::{Path, PathBuf};

/// In every call. Lists stay as they were downloaded, because they lie in memory, as apt's index of them does.
const ALWAYS: &[&str] = &[
    "-o=quiet=1",
    "-o=APT::Get::Assume-Yes=true",
    "-o=Dir::Cache::srcpkgcache=",
    "-o=Acquire::GzipIndexes=true",
    "-o=Acquire::Languages=none",
    "-o=Acquire::Retries=2",
    "-o=Acquire::http::Timeout=20",
    "-o=Acquire::https::Timeout=20",
    "-o=APT::Install-Recommends=false",
    "-o=APT::Install-Suggests=false",
    "-o=APT::Color=0",
    // What was downloaded is of no use once it is installed.
    "-o=APT::Keep-Downloaded-Packages=false",
    // Somebody may be quicker than we are after we have looked at the locks.
    "-o=DPkg::Lock::Timeout=60",
    "-o=Dpkg::Use-Pty=0",
    "-o=Dpkg::Options::=--force-confdef",
    "-o=Dpkg::Options::=--force-confold",
];

/// Nobody is there to answer, and restarting services is not a package's business.
const ENVIRONMENT: &[(&str, &str)] = &[
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("DEBIAN_PRIORITY", "critical"),
    ("NEEDRESTART_MODE", "l"),
    ("NEEDRESTART_SUSPEND", "1"),
    ("APT_LISTCHANGES_FRONTEND", "none"),
    ("UCF_FORCE_CONFFOLD", "1"),
    (super::policy::VARIABLE, "1"),
];

/// Which sources apt reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sources<'a> {
    /// The machine's, in /etc.
    Machine,
    /// Those of the scratch directory: the machine's as they are to be.
    Planned,
    /// One file of the scratch directory.
    One(&'a str),
}

/// apt with a scratch directory.
#[derive(Debug, Clone)]
pub struct Apt {
    /// See [`super::scratch`].
    pub scratch: PathBuf,
    /// Certificates to trust, where the machine has none.
    pub certificates: Option<PathBuf>,
    /// What is bound over the administrator's policy; see [`super::policy`].
    pub policy: Option<String>,
}

impl Apt {
    /// Of this scratch directory.
    pub fn new(scratch: &Path) -> Self {
        Apt { scratch: scratch.to_owned(), certificates: None, policy: None }
    }

    fn options(&self, sources: Sources) -> Vec<String> {
        let mut options: Vec<String> = ALWAYS.iter().map(|option| (*option).to_owned()).collect();
        let scratch = self.scratch.display();
        options.push(format!("-o=Dir::State::Lists={scratch}/lists"));
        options.push(format!("-o=Dir::Cache::pkgcache={scratch}/pkgcache.bin"));
        options.extend(self.certificates.iter().map(|path| format!("-o=Acquire::https::CAInfo={}", path.display())));
        match sources {
            Sources::Machine => {}
            Sources::Planned => {
                options.push("-o=Dir::Etc::SourceList=/dev/null".into());
                options.push(format!("-o=Dir::Etc::SourceParts={scratch}/sources"));
            }
            Sources::One(name) => {
                options.push(format!("-o=Dir::Etc::SourceList={scratch}/sources/{name}"));
                options.push("-o=Dir::Etc::SourceParts=/dev/null".into());
                options.push("-o=APT::Get::List-Cleanup=0".into());
                options.push("-o=APT::Update::Error-Mode=any".into());
            }
        }
        options
    }

    /// Runs one of apt's programs. `doing` is what it is for, in an error.
    pub fn run<S: AsRef<str>>(
        &self,
        program: &str,
        sources: Sources,
        args: &[S],
        doing: &str,
        deadline: &Deadline,
    ) -> anyhow::Result<Output> {
        let args = self.options(sources).into_iter().chain(args.iter().map(|arg| arg.as_ref().to_owned()));
        call(program, args, self.policy.as_deref(), doing, deadline)
    }

    /// The same for what has to end well.
    pub fn must<S: AsRef<str>>(
        &self,
        program: &str,
        sources: Sources,
        args: &[S],
        doing: &str,
        deadline: &Deadline,
    ) -> anyhow::Result<Output> {
        ended_well(self.run(program, sources, args, doing, deadline)?, doing)
    }

    /// dpkg itself, for what apt has no word for.
    pub fn dpkg(&self, args: &[&str], doing: &str, deadline: &Deadline) -> anyhow::Result<()> {
        let args = args.iter().map(|arg| (*arg).to_owned());
        ended_well(call("dpkg", args, self.policy.as_deref(), doing, deadline)?, doing).map(drop)
    }
}

/// Says what is to become of packages at an upgrade: `hold` or `install`. dpkg keeps that, and apt heeds it.
pub fn select(names: &[String], selection: &str, deadline: &Deadline) -> anyhow::Result<()> {
    let lines: String = names.iter().map(|name| format!("{name} {selection}\n")).collect();
    let program = Program::new("dpkg").args(["--set-selections"]).env("PATH", program::search_path()).stdin(lines);
    program.run(deadline)?.success().map(drop)
}

fn ended_well(output: Output, doing: &str) -> anyhow::Result<Output> {
    if !output.status.success() {
        bail!("{doing}: {}", words::why(&output));
    }
    Ok(output)
}

fn call(
    program: &str,
    args: impl Iterator<Item = String>,
    policy: Option<&str>,
    doing: &str,
    deadline: &Deadline,
) -> anyhow::Result<Output> {
    let mut command = match policy {
        None => Program::new(program),
        Some(ours) => Program::new("unshare").args([
            "--mount",
            "sh",
            "-ec",
            "mount --bind \"$0\" /usr/sbin/policy-rc.d; exec \"$@\"",
            ours,
            program,
        ]),
    };
    command = command.args(args).env("PATH", program::search_path());
    for (name, value) in ENVIRONMENT {
        command = command.env(name, value);
    }
    let running = command.start()?;
    let group = running.group();
    let _abort = ansible::on_abort(move || group.kill());
    running.wait(deadline, |_| Ok(())).map_err(|error| match error.is::<TimedOut>() {
        true => {
            anyhow::anyhow!("{doing}: {program} was not done in time and was ended; a further run goes on from there")
        }
        false => error,
    })
}
