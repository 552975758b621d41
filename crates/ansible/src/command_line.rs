//! The program around a module: which module, which options, and the exit status.
//!
//! Ansible runs `<tmp>/AnsiballZ_<module> <args file>`; our action plugin runs `kubejoin <module> -` with the options on
//! standard input, where no other user can read them; a person runs either.

use crate::answer::{Frame, give, line};
use crate::envelope::{self, Envelope};
use crate::help::{docs, help};
use crate::nearest::nearest;
use crate::request::check;
use crate::{Module, Params, Spec, Task, abort, root, sequence};
use serde_json::{Map, Value, json};
use std::io::{Read, Write};
use std::process::ExitCode;

/// Runs the module that argv names: the only one there is, the one the program is called by, or the first argument.
/// Refuses to for anybody but root: what another user may see of a machine is not what it is.
pub fn main(modules: &[&'static Module]) -> ExitCode {
    started(modules, root::refusal)
}

/// The same for modules that any user may run.
pub fn main_as_anybody(modules: &[&'static Module]) -> ExitCode {
    started(modules, || None)
}

fn started(modules: &[&'static Module], refusal: fn() -> Option<String>) -> ExitCode {
    abort::guard();
    let mut argv = std::env::args_os().map(|a| a.to_string_lossy().into_owned());
    let called = argv.next().unwrap_or_default();
    let called = called.rsplit('/').next().unwrap_or_default();
    let called = called.strip_prefix("AnsiballZ_").unwrap_or(called);
    let mut args: Vec<String> = argv.collect();
    let by_name = |name: &str| all(modules).find(|m| m.spec.name == name);
    let module = match modules {
        [only] => Some(*only),
        _ => by_name(called).or_else(|| {
            let found = by_name(args.first()?)?;
            args.remove(0);
            Some(found)
        }),
    };
    match module {
        Some(module) => one(module, modules, &args, refusal),
        None => many(modules, &args),
    }
}

/// A program with several modules can run them in order, too.
fn all(modules: &[&'static Module]) -> impl Iterator<Item = &'static Module> {
    modules.iter().copied().chain(std::iter::once(&sequence::MODULE))
}

/// What the program with all modules answers when no module was named.
fn many(modules: &[&'static Module], args: &[String]) -> ExitCode {
    let list: String = all(modules).map(|m| format!("{:22} {}\n", m.spec.name, m.spec.summary)).collect();
    match args.first().map(String::as_str) {
        Some("--version") => say(&format!("kubejoin {}\n", env!("CARGO_PKG_VERSION"))),
        Some("--list") => say(&all(modules).map(|m| format!("{}\n", m.spec.name)).collect::<String>()),
        Some("--docs") => say(&format!("{}\n", json!(all(modules).map(docs).collect::<Vec<_>>()))),
        Some("--help") | None => {
            say(&format!("usage: kubejoin MODULE FILE | MODULE --help | --list | --docs | --version\n\n{list}"))
        }
        Some(other) => {
            let hint = nearest(other, all(modules).map(|m| m.spec.name))
                .map(|n| format!("; did you mean {n}?"))
                .unwrap_or_default();
            fail(&format!("no module is called {other:?}{hint} (kubejoin --list names them all)"))
        }
    }
}

fn one(
    module: &'static Module,
    modules: &[&'static Module],
    args: &[String],
    refusal: fn() -> Option<String>,
) -> ExitCode {
    let (mut check, mut diff, mut validate, mut source) = (false, false, false, None);
    for arg in args {
        match arg.as_str() {
            "--help" | "-h" => return say(&help(module.spec)),
            "--version" => return say(&format!("{} {}\n", module.spec.name, env!("CARGO_PKG_VERSION"))),
            "--docs" => return say(&format!("{}\n", docs(module))),
            "--check" => check = true,
            "--diff" => diff = true,
            "--validate" => validate = true,
            path if source.is_none() && (path == "-" || !path.starts_with('-')) => source = Some(path),
            other => {
                return fail(&format!("{}: cannot take {other:?}; see {} --help", module.spec.name, module.spec.name));
            }
        }
    }
    let Some(source) = source else {
        return fail(&format!(
            "{}: the options are missing: give a file with a JSON object, or - for standard input",
            module.spec.name
        ));
    };
    match read(source) {
        Ok(all) => {
            let (mut envelope, options) = envelope::split(all);
            envelope.check_mode |= check;
            envelope.diff |= diff;
            let answer = match std::ptr::eq(module, &raw const sequence::MODULE) {
                true => sequence::run(modules, &envelope, options, validate, refusal),
                false => run(module, &envelope, options, validate, refusal),
            };
            give(&answer);
            if answer["failed"] == true { ExitCode::FAILURE } else { ExitCode::SUCCESS }
        }
        Err(why) => fail(&why),
    }
}

fn run(
    module: &'static Module,
    envelope: &Envelope,
    options: Map<String, Value>,
    validate: bool,
    refusal: fn() -> Option<String>,
) -> Value {
    let (frame, params) = check(module.spec, envelope, options);
    let ended = frame.clone();
    abort::answer(move |error| ended.failure(error));
    let task = Task::new(envelope);
    let result = match params {
        Err(why) => Err(anyhow::anyhow!(why)),
        Ok(_) if validate => Ok(crate::Outcome::new()),
        // After the options: what is wrong with them is wrong for root, too.
        Ok(params) => refusal().map_or_else(|| (module.run)(params, &task), |why| Err(anyhow::anyhow!(why))),
    };
    match result {
        Ok(outcome) => frame.success(outcome),
        Err(error) => frame.failure(error),
    }
}

/// Options are a few kilobytes. A module answers within its deadline, and more than this is a mistake that would not be read
/// within any.
const LARGEST: u64 = 4 << 20;

fn read(source: &str) -> Result<Map<String, Value>, String> {
    let mut bytes = Vec::new();
    let mut input: Box<dyn Read> = match source {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(std::fs::File::open(path).map_err(|e| format!("reading the options from {path}: {e}"))?),
    };
    let read = input.by_ref().take(LARGEST + 1).read_to_end(&mut bytes).and_then(|_| {
        // Whoever writes must not meet a closed pipe: the answer says why.
        std::io::copy(&mut input, &mut std::io::sink())
    });
    match read.map_err(|e| format!("reading the options from {source}: {e}")).map(|_| bytes.len() as u64 <= LARGEST)? {
        true => object(&bytes, source),
        false => Err(format!("the options in {source} are larger than {} MiB, which no module needs", LARGEST >> 20)),
    }
}

fn object(bytes: &[u8], source: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(format!("the options in {source} are no JSON object like {{\"name\": \"value\"}}")),
        // The parser's message gives line and column, never the text: the text may be a secret.
        Err(e) => Err(format!("the options in {source} are no JSON: {e}")),
    }
}

/// The line that `MODULE - --validate` answers to this input, and the options when they are in order. Touches nothing:
/// for tests that hold both against any input.
pub fn validate(spec: &Spec, input: &[u8]) -> (String, Option<Params>) {
    let options = match object(input, "-") {
        Ok(all) => all,
        Err(why) => return (line(&Frame::default().failure(anyhow::anyhow!("{why}"))), None),
    };
    let (envelope, options) = envelope::split(options);
    match check(spec, &envelope, options) {
        (frame, Ok(params)) => (line(&frame.success(crate::Outcome::new())), Some(params)),
        (frame, Err(why)) => (line(&frame.failure(anyhow::anyhow!(why))), None),
    }
}

/// Text for a person, by hand only: never on a path that Ansible takes.
fn say(text: &str) -> ExitCode {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn fail(msg: &str) -> ExitCode {
    give(&Frame::default().failure(anyhow::anyhow!("{msg}")));
    ExitCode::FAILURE
}
