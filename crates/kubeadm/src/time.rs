//! Moments as text: file names, what Kubernetes writes (RFC 3339, UTC), and what HTTP's Date header says (RFC 9110).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `20261120T231005Z`: sorts by time, and has no colon, which some file systems refuse.
pub fn stamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `2026-11-20 23:10:05 UTC`, for people.
pub fn words(time: SystemTime) -> String {
    let text = stamp(time);
    format!("{}-{}-{} {}:{}:{} UTC", &text[..4], &text[4..6], &text[6..8], &text[9..11], &text[11..13], &text[13..15])
}

/// Reads `2026-11-20T23:10:05Z`, with or without a fraction, which is left away. Only UTC, which is all Kubernetes writes.
pub fn parse(text: &str) -> Option<SystemTime> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let clock = clock.split('.').next()?;
    let numbers =
        |text: &str, separator| text.split(separator).map(|n| n.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let (date, clock) = (numbers(date, '-')?, numbers(clock, ':')?);
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), clock.as_slice()) else { return None };
    let possible = (1970..3000).contains(year) && (1..=12).contains(month) && (1..=31).contains(day);
    if !possible || *hour > 23 || *minute > 59 || *second > 60 {
        return None;
    }
    let years: u64 = (1970..*year).map(|year| 365 + u64::from(leap(year))).sum();
    let months: u64 = lengths(*year).iter().take(*month as usize - 1).sum();
    let seconds = (years + months + day - 1) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Reads `Fri, 20 Nov 2026 23:10:05 GMT`, whatever follows it.
pub fn parse_http(text: &str) -> Option<SystemTime> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = text.split_whitespace().take(6).collect();
    let [_, day, month, year, clock, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    parse(&format!("{year}-{month:02}-{day:0>2}T{clock}Z"))
}

/// Year, month and day of a number of days after 1970-01-01.
fn date(mut days: u64) -> (u64, usize, u64) {
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let mut month = 0;
    for length in lengths(year) {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month + 1, days + 1)
}

fn leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn lengths(year: u64) -> [u64; 12] {
    [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_what_date_says() {
        // date -u -d @N +%Y%m%dT%H%M%SZ
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (951_782_400, "20000229T000000Z"),
            (1_795_215_699, "20261120T230139Z"),
            (4_107_542_399, "21000228T235959Z"),
        ] {
            assert_eq!(stamp(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
        assert_eq!(words(UNIX_EPOCH + Duration::from_secs(1_795_215_699)), "2026-11-20 23:01:39 UTC");
    }

    #[test]
    fn the_servers_date_is_read() {
        // date -u -d "Sat, 21 Nov 2026 00:57:25 GMT" +%s
        let expected = Some(UNIX_EPOCH + Duration::from_secs(1_795_222_645));
        assert_eq!(parse_http("Sat, 21 Nov 2026 00:57:25 GMT"), expected);
        assert_eq!(parse_http("yesterday"), None);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in
            ["", "2026-11-20", "2026-13-01T00:00:00Z", "2026-11-20T24:00:00Z", "2026-11-20T23:10:05+01:00", "xTyZ"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(seconds in 0u64..20_000_000_000) {
            let time = UNIX_EPOCH + Duration::from_secs(seconds);
            let text = stamp(time);
            let rfc = format!("{}-{}-{}T{}:{}:{}.5Z", &text[..4], &text[4..6], &text[6..8], &text[9..11], &text[11..13], &text[13..15]);
            prop_assert_eq!(parse(&rfc), Some(time));
        }
    }
}
