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

/// An information line that is only there at `--v=1` and above.
pub fn detail(place: &str, text: &str) {
    if verbosity() >= 1 {
        line('I', place, text);
    }
}

/// What `--v` or `-v` says; 0 without it.
fn verbosity() -> u32 {
    let args: Vec<String> = std::env::args().collect();
    let after = |at: usize, arg: &str| match arg.split_once('=') {
        Some((_, value)) => value.parse().ok(),
        None => args.get(at + 1)?.parse().ok(),
    };
    let named = |arg: &str| matches!(arg.split('=').next(), Some("--v" | "-v"));
    args.iter()
        .enumerate()
        .filter(|(_, arg)| named(arg))
        .filter_map(|(at, arg)| after(at, arg))
        .next_back()
        .unwrap_or(0)
}

/// A warning line.
pub fn warn(place: &str, text: &str) {
    line('W', place, text);
}

/// An error line.
pub fn error(place: &str, text: &str) {
    line('E', place, text);
}

/// The line a program ends with.
pub fn fatal(place: &str, text: &str) {
    line('F', place, text);
}
