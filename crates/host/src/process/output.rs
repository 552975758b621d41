//! What a program left behind, and the errors made of it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How much of stderr goes into an error, in bytes.
const TAIL: usize = 1024;

/// What a program left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its stdout, at most 2 MiB: start and end of more than that, with a line saying so between them.
    pub stdout: Vec<u8>,
    /// Its stderr, bounded in the same way.
    pub stderr: Vec<u8>,
    pub(super) command: String,
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

/// The end of a stream, as much as goes into an error.
pub(super) fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).trim().to_owned()
}

/// An error is one line, and a program's escape sequences are not for the terminal of whoever reads it.
fn said(stderr: &str) -> String {
    let words: Vec<&str> =
        stderr.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}
