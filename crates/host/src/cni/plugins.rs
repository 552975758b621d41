//! Whether plugins run: each is asked for the versions it speaks, as a runtime's library would.
//!
//! Source: containernetworking/cni SPEC.md (VERSION; errors) and `pkg/invoke` (FindInPath: the first regular file of that
//! name, in the order of the directories; GetVersionInfo: what is in the environment). A file that is there may be empty,
//! of another architecture, on a mount with noexec, or too old or too new for the configuration's cniVersion: a pod then
//! fails at its start, and nothing says so before.

use super::Network;
use crate::deadline::{Deadline, Look};
use crate::process::Program;
use std::fmt;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A plugin that is well answers in milliseconds; this is for a machine that has too much to do.
const ANSWERS: Duration = Duration::from_secs(5);
/// What plugins from before VERSION speak (SPEC.md 0.1.0).
const OLDEST: &str = "0.1.0";
/// How much of a plugin's words is told, in characters.
const WORDS: usize = 200;

/// A plugin that is there and does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Its name: the `type` that asks for it.
    pub plugin: String,
    /// The file that a runtime would run.
    pub path: PathBuf,
    /// Why it does not.
    pub cause: Cause,
}

/// Why a plugin does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The file has no content: a copy that was cut off.
    Empty,
    /// Nobody may execute it.
    Mode(u32),
    /// Its mount has the option noexec.
    NoExec,
    /// The kernel cannot run it: another architecture, or no program at all.
    Format(String),
    /// The program that has to load it is not there: a script's interpreter, or the dynamic loader.
    Loader,
    /// It was run, and did not answer with versions; its words.
    Answer(String),
    /// It speaks these versions of CNI, and the configuration asks for another.
    Version {
        /// What the configuration asks for.
        asked: String,
        /// What it speaks.
        speaks: Vec<String>,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Empty => write!(f, "the file is empty"),
            Cause::Mode(mode) => write!(f, "nobody may execute it: its mode is {mode:04o}"),
            Cause::NoExec => write!(f, "it lies on a mount with the option noexec"),
            Cause::Format(what) => write!(f, "exec format error: {what}"),
            Cause::Loader => write!(f, "the interpreter or loader that it names is not there"),
            Cause::Answer(words) => write!(f, "asked for its versions (CNI_COMMAND=VERSION) it {words}"),
            Cause::Version { asked, speaks } => {
                write!(f, "it speaks CNI {}, and the configuration asks for cniVersion {asked}", speaks.join(", "))
            }
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

/// Runs every plugin that the network names and that is there, all at once. What is not there is [`super::missing`]'s.
pub fn broken(network: &Network, dirs: &[PathBuf], deadline: &Deadline) -> Vec<Broken> {
    let mut names = network.programs();
    names.sort_unstable();
    names.dedup();
    let found = names.into_iter().filter_map(|name| Some((name, find(name, dirs)?)));
    std::thread::scope(|scope| {
        let asked: Vec<_> = found
            .map(|(name, path)| {
                scope.spawn(move || {
                    let cause = check(&path, &network.versions, deadline).err()?;
                    Some(Broken { plugin: name.to_owned(), path, cause })
                })
            })
            .collect();
        asked.into_iter().filter_map(|thread| thread.join().ok().flatten()).collect()
    })
}

/// The file that a runtime runs for this name.
pub fn find(name: &str, dirs: &[PathBuf]) -> Option<PathBuf> {
    dirs.iter().map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// Asks one plugin; `versions` are those of which it has to speak one.
pub fn check(path: &Path, versions: &[String], deadline: &Deadline) -> Result<(), Cause> {
    let head = head(path).map_err(|error| Cause::Answer(format!("could not be read: {error}")))?;
    if head.is_empty() {
        return Err(Cause::Empty);
    }
    let mode = path.metadata().map_or(0o111, |meta| meta.permissions().mode()) & 0o7777;
    if mode & 0o111 == 0 {
        return Err(Cause::Mode(mode));
    }
    let asked = versions.last().map_or(OLDEST, String::as_str);
    // The rest of the environment is what plugins want that were built against an old library, which looked before it knew
    // the command.
    let program = Program::new(path)
        .env("CNI_COMMAND", "VERSION")
        .env("CNI_NETNS", "dummy")
        .env("CNI_IFNAME", "dummy")
        .env("CNI_CONTAINERID", "dummy")
        .env("CNI_PATH", "dummy")
        .stdin(format!("{{\"cniVersion\":\"{asked}\"}}"));
    let limit = deadline.at_most(ANSWERS);
    // A file that is just being written cannot be run; a runtime would say so, and a moment later it can.
    let ran = limit.poll(Duration::from_millis(100), "a plugin that is being written", || match program.run(&limit) {
        Err(error) if number(&error) == Some(ETXTBSY) => Ok(Look::NotYet(error.to_string())),
        ran => Ok(Look::Ready(ran)),
    });
    let speaks = match ran.and_then(|ran| ran) {
        Err(error) => return Err(refused(path, &head, &error)),
        Ok(output) => answer(&output.stdout).ok_or_else(|| {
            // A C library may hand to the shell what the kernel refuses; what it says then is nobody's answer.
            foreign(&head).map_or_else(|| Cause::Answer(said(&output)), Cause::Format)
        })?,
    };
    let wanted = if versions.is_empty() { &[OLDEST.to_owned()][..] } else { versions };
    if wanted.iter().any(|version| speaks.contains(version)) {
        return Ok(());
    }
    Err(Cause::Version { asked: wanted.join(" or "), speaks })
}

/// The versions in its answer. A plugin from before VERSION answers with an error in CNI's form.
fn answer(stdout: &[u8]) -> Option<Vec<String>> {
    let answer: serde_json::Value = serde_json::from_slice(stdout).ok()?;
    if let Some(list) = answer["supportedVersions"].as_array() {
        return Some(list.iter().filter_map(|version| version.as_str().map(str::to_owned)).collect());
    }
    let old = answer["msg"].as_str().is_some_and(|words| words.contains("unknown CNI_COMMAND"));
    old.then(|| vec![OLDEST.to_owned()])
}

/// How it ended instead, as the end of a sentence.
fn said(output: &crate::process::Output) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    let how = match (output.status.code(), output.status.signal()) {
        (Some(0), _) => "did not answer in JSON".to_owned(),
        (Some(code), _) => format!("ended with exit status {code}"),
        (None, signal) => format!("was killed by signal {}", signal.unwrap_or_default()),
    };
    let words = if output.stderr.trim_ascii().is_empty() { &output.stdout } else { &output.stderr };
    let words = String::from_utf8_lossy(words);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().take(WORDS).collect();
    if words.is_empty() { how } else { format!("{how}: {words}") }
}

const ENOENT: i32 = 2;
const ENOEXEC: i32 = 8;
const EACCES: i32 = 13;
const ETXTBSY: i32 = 26;

/// The kernel's number of what went wrong.
fn number(error: &anyhow::Error) -> Option<i32> {
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()?.raw_os_error())
}

/// Why it could not even be started, or did not end.
fn refused(path: &Path, head: &[u8], error: &anyhow::Error) -> Cause {
    match number(error) {
        Some(ENOENT) => Cause::Loader,
        Some(ENOEXEC) => Cause::Format(foreign(head).unwrap_or_else(|| "it is damaged".to_owned())),
        Some(EACCES) if on_noexec(path) => Cause::NoExec,
        Some(number) => Cause::Answer(format!("could not be started: {}", io::Error::from_raw_os_error(number))),
        None if error.chain().any(|cause| cause.is::<crate::process::TimedOut>()) => {
            Cause::Answer(format!("did not answer within {} s", ANSWERS.as_secs()))
        }
        None => Cause::Answer(format!("could not be asked: {error:#}")),
    }
}

fn on_noexec(path: &Path) -> bool {
    // A link's target lies elsewhere.
    let real = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    rustix::fs::statvfs(real).is_ok_and(|mount| mount.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC))
}

/// The first bytes, as many as tell what kind of program it is.
fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(20).read_to_end(&mut head)?;
    Ok(head)
}

/// What the kernel of this machine would not take: no program, or one of another architecture (ELF's e_machine).
fn foreign(head: &[u8]) -> Option<String> {
    if head.starts_with(b"#!") {
        return None;
    }
    if !head.starts_with(b"\x7fELF") {
        return Some("it is neither a program nor a script".to_owned());
    }
    let number = [*head.get(18)?, *head.get(19)?];
    // EI_DATA: 2 is big-endian.
    let number = if head.get(5) == Some(&2) { u16::from_be_bytes(number) } else { u16::from_le_bytes(number) };
    let names =
        [(3, "x86"), (22, "s390x"), (21, "powerpc64"), (40, "arm"), (62, "x86_64"), (183, "aarch64"), (243, "riscv64")];
    let name = names.iter().find(|(known, _)| *known == number).map_or("another architecture", |(_, name)| name);
    (name != std::env::consts::ARCH)
        .then(|| format!("it is built for {name}, and this machine is {}", std::env::consts::ARCH))
}

#[cfg(test)]
#[path = "plugins_tests.rs"]
mod tests;
