//! Programs: run with a deadline, in a process group of their own, gone when we are gone.
//!
//! Both pipes are read at once (a program that fills the one we do not read would hang for ever), what is kept is
//! bounded, and the error of a program that failed names the program, its arguments, its exit and the end of its stderr.
//! Arguments are visible to every user in `ps`: secrets go through `stdin` or a file.

mod output;
mod running;
mod streams;

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context as _;

pub use self::output::{Output, TimedOut};
pub use self::running::{Group, Running, Seen};
use crate::deadline::Deadline;

/// How much of each stream is kept, in bytes: the start and the end of a longer one.
const KEEP: usize = 1 << 20;
/// The same, for [`Program::keep_all`].
const KEEP_ALL: usize = 1 << 28;

/// A program about to be run.
#[derive(Debug, Clone)]
pub struct Program {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    keep: usize,
}

impl Program {
    /// A program, looked up on PATH unless it is a path.
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Program {
            program: program.as_ref().to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            stdin: Vec::new(),
            keep: KEEP,
        }
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable. `LC_ALL=C` is always set, so that messages can be recognised.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// What it reads on stdin; nothing by default.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Keeps all of its output (up to 512 MiB), for a caller that would misread a part of it.
    pub fn keep_all(mut self) -> Self {
        self.keep = KEEP_ALL;
        self
    }

    /// The command line as a person could paste it into a shell.
    pub fn command_line(&self) -> String {
        let quoted = |word: &OsString| {
            let word = word.to_string_lossy();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
            if !word.is_empty() && word.chars().all(plain) {
                word.into_owned()
            } else {
                format!("'{}'", word.replace('\'', "'\\''"))
            }
        };
        std::iter::once(&self.program).chain(&self.args).map(quoted).collect::<Vec<_>>().join(" ")
    }

    /// Runs it to its end. A non-zero exit is no error here: see [`Output::success`].
    pub fn run(&self, deadline: &Deadline) -> anyhow::Result<Output> {
        self.start()?.wait(deadline, |_| Ok(()))
    }

    /// Starts it, for a caller that wants to watch it.
    pub fn start(&self) -> anyhow::Result<Running> {
        let mut command = self.command();
        let child = command.spawn().with_context(|| format!("starting `{}`", self.command_line()))?;
        Ok(Running { child, command: self.command_line(), stdin: self.stdin.clone(), keep: self.keep, over: false })
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that starts programs")]
    #[allow(unsafe_code, reason = "PR_SET_PDEATHSIG can only be set in the child, between fork and exec")]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env("LC_ALL", "C").envs(self.env.iter().map(|(k, v)| (k, v)));
        command.stdin(if self.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        // SAFETY: prctl(2) is async-signal-safe and allocates nothing. A module that is killed outright must not leave
        // a kubeadm behind that goes on changing the node.
        unsafe {
            command.pre_exec(|| {
                rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
                    .map_err(Into::into)
            });
        }
        command
    }
}

/// The path of an installed program, looked for on PATH and in the system's directories: ssh often starts a command with
/// a PATH that has no sbin in it.
pub fn find(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
    std::env::split_paths(&path)
        .chain(system.iter().map(PathBuf::from))
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
}

#[cfg(test)]
mod tests;
