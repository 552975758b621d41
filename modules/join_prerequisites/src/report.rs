//! The answer. Pure.

use crate::apply::Mended;
use crate::args::{Args, FailOn};
use crate::plan::Plan;
use ansible::{Failure, Outcome};
use prerequisites::checks::{Check, Status};

/// The checks as they are now; an error when one of them is as bad as `fail_on` says.
pub fn report(args: &Args, plan: &Plan, done: Option<&Mended>) -> anyhow::Result<Outcome> {
    let checks = done.map_or(&plan.checks, |done| &done.checks);
    let of = |status: Status| checks.iter().filter(|check| check.status == status).collect::<Vec<_>>();
    let (failed, warned) = (of(Status::Fail), of(Status::Warn));
    let names = |list: &[&Check]| list.iter().map(|check| check.name).collect::<Vec<_>>();
    let mut outcome = Outcome::new()
        .field("steps", done.map(|done| done.steps.clone()).unwrap_or_default())
        .field("checks", checks)
        .field("failed_checks", names(&failed))
        .field("warned_checks", names(&warned))
        .field("ready", failed.is_empty());
    for warning in done.iter().flat_map(|done| &done.failed) {
        outcome.warn(warning);
    }
    let bad = match args.fail_on {
        FailOn::Never => Vec::new(),
        FailOn::Fail => failed,
        FailOn::Warn => failed.into_iter().chain(warned).collect(),
    };
    let Some(first) = bad.first() else { return Ok(outcome.msg(summary(checks))) };
    let more = if bad.len() > 1 { format!(" (and {} more)", bad.len() - 1) } else { String::new() };
    let msg = format!("{}: found {}, wanted {}: {}{more}", first.name, first.found, first.wanted, first.mend);
    Err(Failure::new(msg).with(outcome).into())
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
