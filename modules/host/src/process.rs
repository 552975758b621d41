//! Programs: run with a deadline, in a process group of their own, gone when we are gone.
//!
//! Both pipes are read at once (a program that fills the one we do not read would hang for ever), what is kept is
//! bounded, and the error of a program that failed names the program, its arguments, its exit and the end of its stderr.
//! Arguments are visible to every user in `ps`: secrets go through `stdin` or a file.

use crate::deadline::Deadline;
use anyhow::Context as _;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How much of each stream is kept, in bytes: the start and the end of a longer one.
const KEEP: usize = 1 << 20;
/// The same, for [`Program::keep_all`].
const KEEP_ALL: usize = 1 << 28;
/// How much of stderr goes into an error, in bytes.
const TAIL: usize = 1024;

/// A program about to be run.
#[derive(Debug, Clone)]
pub struct Program {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    keep: usize,
}

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its stdout, at most 2 MiB: start and end of more than that, with a line saying so between them.
    pub stdout: Vec<u8>,
    /// Its stderr, bounded in the same way.
    pub stderr: Vec<u8>,
    command: String,
}

/// The program did not end in time and was killed, with its process group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedOut {
    /// The command line.
    pub command: String,
    /// The end of its stderr.
    pub stderr: String,
}

impl std::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "running `{}`: not done in time, killed{}", self.command, said(&self.stderr))
    }
}

impl std::error::Error for TimedOut {}

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

/// A program that is running. Dropping it kills its process group.
#[derive(Debug)]
pub struct Running {
    child: Child,
    command: String,
    stdin: Vec<u8>,
    keep: usize,
    over: bool,
}

/// What has been seen of a running program, for a watcher.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Its process id, which is also its process group.
    pub pid: u32,
    /// Its stdout so far.
    pub stdout: &'a [u8],
    /// Its stderr so far.
    pub stderr: &'a [u8],
}

impl Running {
    /// The process id, which is also the process group, for an abort step that has to kill it.
    pub fn group(&self) -> Group {
        Group(self.child.id())
    }

    /// Waits for its end. `watch` is called after every piece of output and at least every 200 ms; an error of it kills
    /// the group and is returned: a doomed program need not be waited for.
    pub fn wait(
        mut self,
        deadline: &Deadline,
        mut watch: impl FnMut(&Seen<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<Output> {
        let (mut out, mut err) = (Kept::at_most(self.keep), Kept::at_most(self.keep));
        let (mut stdout, mut stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let mut stdin = self.child.stdin.take();
        for fd in [stdout.as_ref().map(AsFdRef::of), stderr.as_ref().map(AsFdRef::of), stdin.as_ref().map(AsFdRef::of)]
            .into_iter()
            .flatten()
        {
            rustix::io::ioctl_fionbio(fd, true).with_context(|| format!("watching `{}`", self.command))?;
        }
        let mut written = 0;
        let mut ended = None;
        // A grandchild may keep the pipes open long after the program has ended: then its output is not waited for.
        while ended.is_none() || ((stdout.is_some() || stderr.is_some()) && !self.drained(&stdout, &stderr)) {
            if deadline.expired() && ended.is_none() {
                self.kill();
                drain(&mut stdout, &mut out);
                drain(&mut stderr, &mut err);
                return Err(TimedOut { command: self.command.clone(), stderr: tail(&err.bytes()) }.into());
            }
            self.ready(&stdout, &stderr, &stdin, deadline);
            if let Some(pipe) = &mut stdin {
                match pipe.write(&self.stdin[written..]) {
                    Ok(n) => written += n,
                    Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                    // It does not want to hear the rest; its exit says whether that was an error.
                    Err(_) => written = self.stdin.len(),
                }
                if written >= self.stdin.len() {
                    stdin = None;
                }
            }
            drain(&mut stdout, &mut out);
            drain(&mut stderr, &mut err);
            if ended.is_none() {
                watch(&Seen { pid: self.child.id(), stdout: out.start(), stderr: err.start() })
                    .inspect_err(|_| self.kill())?;
                ended = self.child.try_wait().with_context(|| format!("waiting for `{}`", self.command))?;
            }
        }
        drain(&mut stdout, &mut out);
        drain(&mut stderr, &mut err);
        self.over = true;
        let status = ended.unwrap_or_else(|| ExitStatus::from_raw(0));
        Ok(Output { status, stdout: out.bytes(), stderr: err.bytes(), command: self.command.clone() })
    }

    /// Whether nothing can be read right now.
    fn drained(&self, stdout: &Option<impl std::os::fd::AsFd>, stderr: &Option<impl std::os::fd::AsFd>) -> bool {
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        fds.extend(stdout.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
        fds.extend(stderr.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
        rustix::event::poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap_or(0) == 0
    }

    /// Sleeps until a pipe is ready, at most 200 ms: a program that closes both pipes and lives on is polled.
    fn ready(
        &self,
        stdout: &Option<impl std::os::fd::AsFd>,
        stderr: &Option<impl std::os::fd::AsFd>,
        stdin: &Option<impl std::os::fd::AsFd>,
        deadline: &Deadline,
    ) {
        let mut fds: Vec<PollFd<'_>> = Vec::new();
        fds.extend(stdout.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
        fds.extend(stderr.as_ref().map(|p| PollFd::new(p, PollFlags::IN)));
        fds.extend(stdin.as_ref().map(|p| PollFd::new(p, PollFlags::OUT)));
        // With the pipes closed the end is near: look often. With them open, their closing wakes us.
        let most =
            if stdout.is_none() && stderr.is_none() { Duration::from_millis(2) } else { Duration::from_millis(200) };
        let time = deadline.left().min(most);
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
        // Interrupted is as good as ready: the loop looks again.
        let _ = rustix::event::poll(&mut fds, Some(&time));
    }

    fn kill(&mut self) {
        Group(self.child.id()).kill();
        let _ = self.child.wait();
        self.over = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
        }
    }
}

/// A process group that can be killed from an abort step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(pub u32);

impl Group {
    /// Kills every process of the group; one that is gone already is no error.
    pub fn kill(&self) {
        let _ = killpg(Pid::from_raw(self.0 as i32), Signal::SIGKILL);
    }
}

struct AsFdRef;

impl AsFdRef {
    fn of<F: std::os::fd::AsFd>(pipe: &F) -> std::os::fd::BorrowedFd<'_> {
        pipe.as_fd()
    }
}

/// The start and the end of a stream.
struct Kept {
    most: usize,
    start: Vec<u8>,
    end: std::collections::VecDeque<u8>,
    dropped: usize,
}

impl Kept {
    fn at_most(most: usize) -> Self {
        Kept { most, start: Vec::new(), end: std::collections::VecDeque::new(), dropped: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let room = self.most.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..room]);
        self.end.extend(&bytes[room..]);
        let over = self.end.len().saturating_sub(self.most);
        self.end.drain(..over);
        self.dropped += over;
    }

    fn start(&self) -> &[u8] {
        &self.start
    }

    fn bytes(&self) -> Vec<u8> {
        let mut all = self.start.clone();
        if self.dropped > 0 {
            all.extend_from_slice(format!("\n[{} bytes left out]\n", self.dropped).as_bytes());
        }
        all.extend(&self.end);
        all
    }
}

fn drain(pipe: &mut Option<impl Read>, kept: &mut Kept) {
    let mut buffer = [0; 16 * 1024];
    while let Some(reader) = pipe {
        match reader.read(&mut buffer) {
            Ok(0) => *pipe = None,
            Ok(n) => kept.push(&buffer[..n]),
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => return,
            Err(_) => *pipe = None,
        }
    }
}

fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).trim().to_owned()
}

/// An error is one line, and a program's escape sequences are not for the terminal of whoever reads it.
fn said(stderr: &str) -> String {
    let words: Vec<&str> =
        stderr.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

impl Output {
    /// The output, or an error that names the command, how it ended and the end of its stderr (stdout if that is empty).
    pub fn success(self) -> anyhow::Result<Self> {
        if self.status.success() {
            return Ok(self);
        }
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("exit status {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        let words = if self.stderr.trim_ascii().is_empty() { tail(&self.stdout) } else { tail(&self.stderr) };
        Err(anyhow::anyhow!("running `{}`: {how}{}", self.command, said(&words)))
    }

    /// Its stdout as text; what is no UTF-8 is replaced.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its stderr as text; what is no UTF-8 is replaced.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
