//! The protocol as Ansible sees it: a real process, its stdout, its stderr and its exit status.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "an oracle does not share the code it judges"
)]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Child, Command, Stdio};

fn start(args: &[&str], stdin: &str) -> Child {
    start_on(args, stdin, Stdio::piped())
}

fn start_on(args: &[&str], stdin: &str, stdout: Stdio) -> Child {
    // cargo builds examples together with the tests, beside them.
    let probe = std::env::current_exe().unwrap().parent().unwrap().join("../examples/probe");
    let mut command = Command::new(probe);
    let mut child = command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("cargo test -p ansible builds it");
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).ok();
    child
}

/// The answer and whether the exit status was 0. Anything but one line of JSON on stdout alone fails the test.
fn answer(child: Child) -> (Value, bool) {
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.is_ascii() && stdout.matches('\n').count() == 1, "{stdout:?}");
    (serde_json::from_str(&stdout).unwrap(), output.status.success())
}

fn probe(options: Value) -> (Value, bool) {
    answer(start(&["-"], &options.to_string()))
}

#[test]
fn options_come_from_stdin_and_the_envelope_is_not_theirs() {
    let (value, ok) = probe(json!({"_ansible_check_mode": true, "_ansible_future_key": [1], "token": "s3cr3t"}));
    assert!(ok && value["changed"] == true && value["check"] == true, "{value}");
    assert_eq!(value["odd"], "line\u{2028}separator, token ********");
    assert_eq!(value["invocation"]["module_args"]["act"], "succeed");
    assert!(value.get("diff").is_none() && !value.to_string().contains("s3cr3t"));
}

#[test]
fn options_come_from_a_file_as_stock_ansible_gives_them() {
    let file = tempfile();
    std::fs::write(&file, r#"{"_ansible_diff": true}"#).unwrap();
    let (value, ok) = answer(start(&[&file], ""));
    assert!(ok && value["diff"][0]["after"] == "b", "{value}");
    std::fs::remove_file(file).unwrap();
}

#[test]
fn a_failure_exits_with_1_and_masks_the_secret_in_its_sentence() {
    let (value, ok) = probe(json!({"act": "fail", "token": "s3cr3t"}));
    assert!(!ok && value["failed"] == true && value["failure_class"] == "probe", "{value}");
    assert_eq!(value["msg"], "refused ********");
}

#[test]
fn a_panic_is_still_one_answer_and_runs_the_abort_steps() {
    let witness = tempfile();
    let (value, ok) = probe(json!({"act": "panic", "token": "s3cr3t", "witness": witness}));
    assert!(!ok && value["failed"] == true, "{value}");
    assert!(value["msg"].as_str().unwrap().contains("a fault in the module itself at "), "{value}");
    assert!(!value.to_string().contains("s3cr3t"));
    std::fs::remove_file(witness).unwrap();
}

#[test]
fn sigterm_sigint_and_sighup_are_still_one_answer_and_run_the_abort_steps() {
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let (witness, progress) = (tempfile(), tempfile());
        let options = json!({"act": "hang", "witness": witness, "_kubejoin_progress": progress});
        let child = start(&["-"], &options.to_string());
        // The phase line says that the work has begun, so that the signal does not meet the start-up.
        while !std::fs::read_to_string(&progress).is_ok_and(|p| p.contains("acting")) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        kill(Pid::from_raw(child.id() as i32), signal).unwrap();
        let (value, ok) = answer(child);
        assert!(!ok && value["msg"].as_str().unwrap().contains(signal.as_str()), "{value}");
        std::fs::remove_file(witness).unwrap();
        std::fs::remove_file(progress).unwrap();
    }
}

#[test]
fn a_reader_that_is_gone_ends_the_work_and_runs_the_abort_steps() {
    for socket in [false, true] {
        let (witness, progress) = (tempfile(), tempfile());
        let options = json!({"act": "hang", "witness": witness, "_kubejoin_progress": progress});
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut child = start_on(
            &["-"],
            &options.to_string(),
            if socket { std::os::fd::OwnedFd::from(theirs).into() } else { Stdio::piped() },
        );
        while !std::fs::read_to_string(&progress).is_ok_and(|p| p.contains("acting")) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        // What sshd does first, and what must end nothing: it has no more input.
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(child.try_wait().unwrap(), None);
        drop((ours, child.stdout.take()));
        assert_eq!(child.wait().unwrap().code(), Some(141));
        std::fs::remove_file(witness).unwrap();
        std::fs::remove_file(progress).unwrap();
    }
}

#[test]
fn what_is_no_json_object_is_one_sentence_without_its_text() {
    for (stdin, word) in [("", "EOF"), ("[1]", "no JSON object"), (r#"{"token": "s3cr3t"#, "no JSON")] {
        let (value, ok) = answer(start(&["-"], stdin));
        assert!(!ok && value["msg"].as_str().unwrap().contains(word), "{value}");
        assert!(!value.to_string().contains("s3cr3t"));
    }
    let (value, _) = answer(start(&["/no/such/file"], ""));
    assert!(value["msg"].as_str().unwrap().contains("/no/such/file"), "{value}");
}

#[test]
fn a_person_gets_help_a_version_and_the_documentation_as_json() {
    let text = |args: &[&str]| String::from_utf8(start(args, "").wait_with_output().unwrap().stdout).unwrap();
    assert!(text(&["--help"]).contains("- act (str) [succeed | fail | panic | hang] default: \"succeed\""));
    assert_eq!(text(&["--version"]), format!("probe {}\n", env!("CARGO_PKG_VERSION")));
    let docs: Value = serde_json::from_str(&text(&["--docs"])).unwrap();
    assert_eq!((&docs["options"][0]["default"], &docs["options"][1]["no_log"]), (&json!("succeed"), &json!(true)));
}

#[test]
fn validate_checks_the_options_and_does_nothing() {
    let (value, ok) = answer(start(&["--validate", "-"], r#"{"act": "panic"}"#));
    assert!(ok && value["changed"] == false, "{value}");
    let (value, ok) = answer(start(&["--validate", "-"], r#"{"acting": "panic"}"#));
    assert!(!ok && value["msg"].as_str().unwrap().contains("Did you mean act instead of acting?"), "{value}");
}

fn tempfile() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static N: AtomicU32 = AtomicU32::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("probe-{}-{n}", std::process::id())).display().to_string()
}
