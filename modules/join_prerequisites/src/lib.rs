//! `join_prerequisites`: what a join needs of this node, checked one by one, and mended where that is safe.
//!
//! observe gathers facts, the checks judge them (pure), and with `fix` what has a safe remedy gets it. The join uses
//! the same checks and the same remedies. It refuses to touch what is the administrator's: firewall, packages, and swap unless told to.

pub mod args;
pub mod checks;
pub mod fix;
pub mod observe;
mod settings;
mod swap;

use ansible::{Diff, Failure, Module, Outcome, Params, Task};
use args::{Args, FailOn};
use checks::{Check, Status};
use host::deadline::Deadline;
use std::time::Duration;

/// Every single question has a limit of its own below this.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let deadline = Deadline::after(BUDGET);
    let facts = observe::observe(&args, &deadline);
    let mut checks = checks::all(&args, &facts);
    let fixes = if args.fix { fix::wanted(&checks) } else { Vec::new() };
    let mut outcome = Outcome::new().changed(!fixes.is_empty());
    if !fixes.is_empty() {
        let names: Vec<&str> = fixes.iter().map(|fix| fix.words()).collect();
        outcome = outcome.diff([Diff::new(&facts.node_name, "", format!("{}\n", names.join("\n")))]);
    }
    let mut steps = Vec::new();
    if !task.check_mode && !fixes.is_empty() {
        for fix in &fixes {
            match fix::apply(*fix, &args.cri_socket, &deadline) {
                Ok(done) => steps.extend(done),
                Err(e) => outcome.warn(format!("{}: {e:#}", fix.words())),
            }
        }
        checks = checks::all(&args, &observe::observe(&args, &deadline));
        // What was found wrong and could not be mended after all is no change.
        outcome = outcome.changed(!steps.is_empty());
    }
    finish(&args, &checks, outcome.field("steps", steps))
}

fn finish(args: &Args, checks: &[Check], outcome: Outcome) -> anyhow::Result<Outcome> {
    let of = |status: Status| checks.iter().filter(|check| check.status == status).collect::<Vec<_>>();
    let (failed, warned) = (of(Status::Fail), of(Status::Warn));
    let names = |list: &[&Check]| list.iter().map(|check| check.name).collect::<Vec<_>>();
    let outcome = outcome
        .field("checks", checks)
        .field("failed_checks", names(&failed))
        .field("warned_checks", names(&warned))
        .field("ready", failed.is_empty());
    let bad = match args.fail_on {
        FailOn::Never => Vec::new(),
        FailOn::Fail => failed,
        FailOn::Warn => failed.into_iter().chain(warned).collect(),
    };
    match bad.first() {
        None => Ok(outcome.msg(summary(checks))),
        Some(first) => {
            let more = if bad.len() > 1 { format!(" (and {} more)", bad.len() - 1) } else { String::new() };
            let msg = format!("{}: found {}, wanted {}: {}{more}", first.name, first.found, first.wanted, first.mend);
            Err(Failure::new(msg).with(outcome).into())
        }
    }
}

fn summary(checks: &[Check]) -> String {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    format!(
        "{} checks: {} ok, {} warn, {} fail",
        checks.len(),
        count(Status::Ok),
        count(Status::Warn),
        count(Status::Fail)
    )
}
