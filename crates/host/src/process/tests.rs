//! Real programs: the ones every Debian has.

use std::time::Duration;

use super::*;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn sh(script: &str) -> Program {
    Program::new("sh").args(["-c", script])
}

#[test]
fn both_streams_are_read_while_a_large_stdin_is_written() {
    let input = vec![b'x'; 3 << 20];
    let output = sh("tee /dev/stderr").stdin(input).run(&soon()).unwrap().success().unwrap();
    assert!(output.stdout.len() > 2 << 20 && output.stderr.len() > 2 << 20);
}

#[test]
fn output_without_end_is_bounded_and_says_so() {
    let output = sh("head -c 5000000 /dev/zero; echo end").run(&soon()).unwrap();
    assert!(output.stdout.len() < (2 << 20) + 100 && output.stdout.ends_with(b"end\n"));
    assert!(output.stdout_text().contains("bytes left out"));
}

#[test]
fn a_failure_names_command_exit_and_the_end_of_stderr() {
    let error = sh("echo 'it broke' >&2; exit 3").run(&soon()).unwrap().success().unwrap_err();
    assert_eq!(format!("{error:#}"), "running `sh -c 'echo '\\''it broke'\\'' >&2; exit 3'`: exit status 3: it broke");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let text = format!("{:#}", Program::new("no-such-program").run(&soon()).unwrap_err());
    assert!(text.starts_with("starting `no-such-program`: No such file"), "{text}");
}

#[test]
fn a_slow_program_is_killed_with_its_children() {
    let started = std::time::Instant::now();
    let error = sh("echo started >&2; sleep 77.7531 & sleep 77.7531")
        .run(&Deadline::after(Duration::from_millis(300)))
        .unwrap_err();
    assert!(error.downcast_ref::<TimedOut>().is_some_and(|t| t.stderr == "started"), "{error:#}");
    assert!(started.elapsed() < Duration::from_secs(10));
    let left = soon().poll(Duration::from_millis(50), "the children to be gone", || {
        let found = sh("cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '").run(&soon())?.stdout_text();
        Ok(if found.contains("sleep 77.7531") {
            crate::deadline::Look::NotYet(String::new())
        } else {
            crate::deadline::Look::Ready(())
        })
    });
    left.unwrap();
}

#[test]
fn a_grandchild_that_keeps_the_pipes_open_is_not_waited_for() {
    let started = std::time::Instant::now();
    let output = sh("echo done; setsid sleep 5 &").run(&soon()).unwrap().success().unwrap();
    assert_eq!(output.stdout, b"done\n");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_watcher_can_end_a_doomed_program() {
    let started = std::time::Instant::now();
    let running = sh("echo doomed; sleep 60").start().unwrap();
    let error = running.wait(&soon(), |seen| {
        anyhow::ensure!(!seen.stdout.starts_with(b"doomed"), "it said so itself");
        Ok(())
    });
    assert_eq!(error.unwrap_err().to_string(), "it said so itself");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn messages_are_never_translated() {
    assert_eq!(sh("echo $LC_ALL").env("LANG", "de_DE.UTF-8").run(&soon()).unwrap().stdout, b"C\n");
}

#[test]
fn a_program_that_never_stops_writing_is_ended_at_its_deadline() {
    let begun = std::time::Instant::now();
    let error = Program::new("yes").run(&Deadline::after(Duration::from_millis(300))).unwrap_err();
    assert!(error.is::<TimedOut>() && begun.elapsed() < Duration::from_secs(10), "{error:#}, {:?}", begun.elapsed());
}

#[test]
fn what_a_grandchild_goes_on_writing_is_not_waited_for() {
    let begun = std::time::Instant::now();
    let output = sh("echo mine; timeout 20 yes & exit 0").run(&soon()).unwrap();
    assert!(output.stdout.starts_with(b"mine\n") && begun.elapsed() < Duration::from_secs(15));
}
