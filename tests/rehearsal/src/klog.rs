//! Log lines in klog's format on stderr, as the real programs write them: `I1120 23:22:38.094749     248 server.go:440] ...`.

use time::OffsetDateTime;
use time::macros::format_description;

/// What a line starts with: level, time, process id.
pub fn prefix(level: char) -> String {
    let when = OffsetDateTime::now_utc()
        .format(format_description!("[month][day] [hour]:[minute]:[second].[subsecond digits:6]"))
        .unwrap_or_default();
    format!("{level}{when} {:>7}", std::process::id())
}

fn line(level: char, place: &str, text: &str) {
    eprintln!("{} {place}] {text}", prefix(level));
}

/// An information line.
pub fn info(place: &str, text: &str) {
    line('I', place, text);
}

/// A warning line.
pub fn warn(place: &str, text: &str) {
    line('W', place, text);
}

/// An error line.
pub fn error(place: &str, text: &str) {
    line('E', place, text);
}
