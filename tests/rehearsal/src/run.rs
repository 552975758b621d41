//! Runs the host's programs (systemctl, ip, iptables, mount); nothing else starts a process.

use anyhow::{Context, Result};
use std::io::Write;
use std::process::{Command, Stdio};

/// What a program left behind.
pub struct Ran {
    /// exit status, 128 + signal when killed
    pub code: i32,
    /// all of stdout
    pub out: String,
    /// all of stderr
    pub err: String,
}

/// Runs `program args` to its end, with `input` on stdin.
pub fn run(program: &str, args: &[&str], input: Option<&[u8]>) -> Result<Ran> {
    let mut child = Command::new(program)
        .args(args)
        .env("LC_ALL", "C")
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    if let (Some(bytes), Some(mut pipe)) = (input, child.stdin.take()) {
        // A program may end before it has read everything; its exit status tells.
        let _ = pipe.write_all(bytes);
    }
    let output = child.wait_with_output()?;
    use std::os::unix::process::ExitStatusExt;
    let code = output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0));
    Ok(Ran {
        code,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Whether `program args` ends with exit status 0.
pub fn ok(program: &str, args: &[&str]) -> bool {
    run(program, args, None).is_ok_and(|ran| ran.code == 0)
}

/// Where `program` is in PATH.
pub fn in_path(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    let path =
        if path.is_empty() { "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into() } else { path };
    path.split(':').map(|dir| std::path::Path::new(dir).join(program)).find(|file| file.is_file())
}
