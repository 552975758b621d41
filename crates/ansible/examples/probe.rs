//! A module that does what the protocol tests ask of it: the smallest complete example of one.
#![allow(clippy::panic, reason = "panicking is what it is asked to do")]

use ansible::{Diff, Failure, Kind, Module, Opt, Outcome, Params, Spec, Task};
use serde::Deserialize;

static SPEC: Spec = Spec {
    name: "probe",
    summary: "Does what it is told",
    options: &[
        Opt::new("act", Kind::Str, "What to do.").default("\"succeed\"").choices(&["succeed", "fail", "panic", "hang"]),
        Opt::new("token", Kind::Str, "A secret.").no_log(),
        Opt::new("witness", Kind::Path, "A file the abort step writes."),
    ],
    rules: &[],
};

#[derive(Deserialize)]
struct Args {
    act: String,
    token: Option<String>,
    witness: Option<String>,
}

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    let witness = args.witness.clone().unwrap_or_else(|| "/dev/null".into());
    let _undo = ansible::on_abort(move || drop(std::fs::OpenOptions::new().append(true).create(true).open(witness)));
    task.phase("acting");
    match args.act.as_str() {
        "fail" => Err(Failure::new(format!("refused {}", args.token.unwrap_or_default()))
            .field("failure_class", "probe")
            .into()),
        "panic" => panic!("as told, with {}", args.token.unwrap_or_default()),
        "hang" => {
            std::thread::park_timeout(std::time::Duration::from_secs(60));
            Ok(Outcome::new())
        }
        _ => Ok(Outcome::new()
            .changed(true)
            .field("check", task.check_mode)
            .field("odd", "line\u{2028}separator, token ".to_owned() + &args.token.unwrap_or_default())
            .diff([Diff::new("/x", "a", "b")])),
    }
}

static MODULE: Module = Module { spec: &SPEC, run, read: |params| params.parse::<Args>().map(drop), long: false };

fn main() -> std::process::ExitCode {
    ansible::main_as_anybody(&[&MODULE])
}
