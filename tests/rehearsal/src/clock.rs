//! Times as Kubernetes writes them; refuses every zone but UTC.

use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// Now, as `2026-11-20T23:28:49Z`.
pub fn now() -> String {
    stamp(OffsetDateTime::now_utc())
}

/// `when` as `2026-11-20T23:28:49Z`.
pub fn stamp(when: OffsetDateTime) -> String {
    when.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z")).unwrap_or_default()
}

/// Now with microseconds, as leases carry it.
pub fn now_micro() -> String {
    OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"))
        .unwrap_or_default()
}

/// Now as part of a file name, `2026-11-20-23-28-44`.
pub fn file_stamp() -> String {
    OffsetDateTime::now_utc()
        .format(format_description!("[year]-[month]-[day]-[hour]-[minute]-[second]"))
        .unwrap_or_default()
}

/// Reads an RFC 3339 time.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// Seconds since `text`; negative when it lies ahead.
pub fn seconds_since(text: &str) -> Option<f64> {
    parse(text).map(|when| (OffsetDateTime::now_utc() - when).as_seconds_f64())
}

/// The age column of kubectl: `45s`, `3m12s`, `5h`, `2d`.
pub fn age(text: &str) -> String {
    let Some(seconds) = seconds_since(text).map(|s| s.max(0.0) as u64) else { return "<unknown>".into() };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => format!("{}m{}s", seconds / 60, seconds % 60),
        600..10800 => format!("{}m", seconds / 60),
        10800..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

/// Reads a Go duration such as `24h0m0s`, `300s`, `1m30s`, `500ms`.
pub fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut number, mut rest) = (0.0f64, String::new(), text.trim());
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    while let Some(letter) = rest.chars().next() {
        if letter.is_ascii_digit() || letter == '.' {
            number.push(letter);
            rest = &rest[1..];
            continue;
        }
        let unit: String = rest.chars().take_while(|c| c.is_alphabetic()).collect();
        let factor = match unit.as_str() {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 0.001,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        number.clear();
        rest = &rest[unit.len()..];
    }
    number.is_empty().then(|| Duration::from_secs_f64(total))
}

/// A duration as Go prints it, whole seconds: `40s`, `4m0s`, `24h0m0s`.
pub fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m{}s", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

/// How many times faster than the real programs the stand-ins wait; only tests set `REHEARSAL_HURRY`.
fn hurry() -> u32 {
    std::env::var("REHEARSAL_HURRY").ok().and_then(|text| text.parse().ok()).filter(|times| *times > 0).unwrap_or(1)
}

/// A time limit as it really applies.
pub fn limit(duration: Duration) -> Duration {
    duration / hurry()
}

/// Waits; the one place that sleeps.
pub fn pause(duration: Duration) {
    std::thread::sleep(limit(duration));
}

#[cfg(test)]
mod tests {
    use super::{duration, go_duration};
    use std::time::Duration;

    #[test]
    fn go_durations_are_read_and_written() {
        assert_eq!(duration("24h0m0s"), Some(Duration::from_secs(86400)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("five"), None);
        assert_eq!(go_duration(Duration::from_secs(240)), "4m0s");
        assert_eq!(go_duration(Duration::from_secs(40)), "40s");
    }
}
