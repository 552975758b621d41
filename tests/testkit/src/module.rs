//! A built module, run as Ansible's action plugin runs it: options on stdin, one JSON object on stdout.

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Runs `exe` (`env!("CARGO_BIN_EXE_<name>")`) with these options, with `--diff`, and in check mode if `check`.
///
/// Panics unless the answer is one line of ASCII JSON with nothing on stderr, and the exit status agrees with `failed`.
pub fn run_module(exe: &str, options: Value, check: bool) -> Value {
    let mut command = Command::new(exe);
    command.arg("-");
    answer(command, options, check)
}

/// The same for any command that ends in a module reading its stdin.
pub(crate) fn answer(mut command: Command, mut options: Value, check: bool) -> Value {
    options["_ansible_check_mode"] = json!(check);
    options["_ansible_diff"] = json!(true);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(options.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stderr.is_empty(), "a module says nothing on stderr, but: {stderr}");
    assert!(
        stdout.is_ascii() && stdout.ends_with('\n') && stdout.lines().count() == 1,
        "not one line of ASCII: {stdout}"
    );
    let answer: Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stdout}"));
    assert_eq!(output.status.success(), answer.get("failed").is_none(), "exit status {}: {stdout}", output.status);
    answer
}
