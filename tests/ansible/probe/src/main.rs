//! The stand-in for `kubejoin` in the plugin's tests: the real protocol library around modules that only report.
//!
//! `probe` is a short module, `aggressive_reset` one that the plugin takes for long. Both have the same options.

use ansible::{Failure, Kind, Module, Opt, Outcome, Params, Spec, Task};
use nix::sys::signal::{Signal, raise};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const OPTIONS: &[Opt] = &[
    Opt::new("text", Kind::Str, "Comes back."),
    Opt::new("secret", Kind::Str, "Comes back, masked.").no_log(),
    Opt::new("value", Kind::Raw, "Comes back with its type."),
    Opt::new("changed", Kind::Bool, "What to answer.").default("false"),
    Opt::new("fail", Kind::Str, "Fails with this sentence."),
    Opt::new("phases", Kind::List(&Kind::Str), "Phases to go through.").default("[]"),
    Opt::new("seconds", Kind::Float, "How long each phase lasts.").default("0"),
    Opt::new("die", Kind::Str, "Ends by this signal.").choices(&["SIGKILL", "SIGSEGV"]),
    Opt::new("note", Kind::Path, "A file to which the start, and the end from outside, are appended."),
    Opt::new("environment", Kind::List(&Kind::Str), "Variables whose values come back.").default("[]"),
];

static PROBE: Module = reporting(&Spec { name: "probe", summary: "Reports.", options: OPTIONS, rules: &[] });
static LONG: Module = reporting(&Spec { name: "aggressive_reset", summary: "Reports.", options: OPTIONS, rules: &[] });

const fn reporting(spec: &'static Spec) -> Module {
    Module { spec, run, read: |params| params.parse::<Args>().map(drop), long: true }
}

#[derive(Deserialize)]
struct Args {
    text: Option<String>,
    secret: Option<String>,
    value: serde_json::Value,
    changed: bool,
    fail: Option<String>,
    phases: Vec<String>,
    seconds: f64,
    die: Option<String>,
    note: Option<String>,
    environment: Vec<String>,
}

fn main() -> std::process::ExitCode {
    ansible::main_as_anybody(&[&PROBE, &LONG])
}

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    note(args.note.as_deref(), "started");
    let path = args.note.clone();
    let _ended = ansible::on_abort(move || note(path.as_deref(), "ended"));
    for phase in &args.phases {
        task.phase(phase);
        wait(Duration::from_secs_f64(args.seconds));
    }
    match args.die.as_deref() {
        Some("SIGKILL") => raise(Signal::SIGKILL)?,
        Some(_) => raise(Signal::SIGSEGV)?,
        None => (),
    }
    if let Some(msg) = args.fail {
        return Err(Failure::new(msg).field("failure_class", "asked_for").into());
    }
    note(args.note.as_deref(), "finished");
    let environment: BTreeMap<_, _> = args.environment.iter().map(|name| (name, std::env::var(name).ok())).collect();
    let diff = ansible::Diff::new("probe", "old\n", "new\n");
    let mut outcome = Outcome::new().changed(args.changed).diff([diff]);
    if args.text.as_deref() == Some("warn") {
        outcome.warn("as asked");
    }
    Ok(outcome
        .field("text", args.text)
        .field("secret", args.secret)
        .field("value", args.value)
        .field("environment", environment)
        .field("check", task.check_mode)
        .field("verbosity", task.verbosity)
        .field("uid", nix::unistd::geteuid().as_raw())
        .field("argv", std::env::args().collect::<Vec<_>>())
        .field("program", std::env::current_exe()?))
}

#[allow(clippy::disallowed_methods, reason = "how long is the point here")]
fn wait(time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20).min(end - Instant::now()));
    }
}

fn note(path: Option<&str>, word: &str) {
    let Some(path) = path else { return };
    let line = format!("{word} {}\n", std::process::id());
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| std::io::Write::write_all(&mut file, line.as_bytes()));
}
