//! Driving the real programs that serve as fixtures and oracles.
#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
#![allow(clippy::disallowed_methods, reason = "an oracle does not share the code it judges")]

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a shell line; it has to succeed.
pub fn sh(line: &str) {
    out(line);
}

/// Runs a shell line; it has to succeed; its stdout.
pub fn out(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a shell line with this stdin; it has to succeed.
pub fn feed(line: &str, stdin: &str) {
    let mut command = Command::new("sh");
    command.args(["-c", line]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "{line}");
}

/// The JSON that a shell line prints.
pub fn json(line: &str) -> serde_json::Value {
    serde_json::from_str(&out(line)).unwrap()
}
