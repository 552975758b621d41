//! What units have written to the journal, and the end of it.

use host::deadline::Deadline;
use host::journal::{self, Journal};
use std::time::{Duration, SystemTime};

/// What a unit wrote to the journal; empty when it cannot be read.
pub fn journal(unit: &str, since: Option<SystemTime>, deadline: &Deadline) -> Journal {
    let limit = Deadline::after(deadline.left().clamp(Duration::from_secs(2), Duration::from_secs(5)));
    journal::read(unit, 500, since, &limit).unwrap_or_default()
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
