//! How long a containerd is looked after, and what Kubernetes says of it.
//!
//! Source: containerd RELEASES.md ("Current State of containerd Releases", "Kubernetes Support"); kubernetes#139121 and
//! enhancements#6087 for the release that stops taking a runtime without RuntimeConfig, which is every containerd 1.x.
//! A distribution may go on mending its own package after that: the dates are those of the containerd project.

use crate::{time, version::Version};
use std::time::{Duration, SystemTime};

/// From when on an end is told beforehand: a quarter is what planning takes.
const AHEAD: Duration = Duration::from_secs(90 * 86_400);
/// Where the dates and recommendations are from.
const SOURCE: &str = "containerd's RELEASES.md";

/// Each release's end, by major and minor number; what is older than the first has ended, what is newer than the last is not
/// known here.
const ENDS: [((u32, u32), &str); 8] = [
    ((1, 5), "2023-02-28"),
    ((1, 6), "2025-08-23"),
    ((1, 7), "2026-09-30"),
    ((2, 0), "2027-03-31"),
    ((2, 1), "2026-07-03"),
    ((2, 2), "2026-11-06"),
    ((2, 3), "2028-04-30"),
    ((2, 4), "2027-04-26"),
];

/// What a Kubernetes 1.x is recommended with: the least of each line of containerd.
const RECOMMENDED: [(u32, &[&str]); 11] = [
    (26, &["1.7.0", "1.6.15"]),
    (27, &["1.7.0", "1.6.15"]),
    (28, &["1.7.0", "1.6.15"]),
    (29, &["1.7.11", "1.6.27"]),
    (30, &["2.0.0", "1.7.13", "1.6.28"]),
    (31, &["2.0.0", "1.7.20", "1.6.34"]),
    (32, &["2.1.0", "2.0.1", "1.7.24", "1.6.36"]),
    (33, &["2.1.0", "2.0.4", "1.7.24", "1.6.36"]),
    (34, &["2.1.3", "2.0.6", "1.7.28", "1.6.39"]),
    (35, &["2.2.0", "2.1.5", "1.7.28"]),
    (36, &["2.3.0", "2.2.0"]),
];

/// The Kubernetes release that refuses containerd 1.x, and when it is planned for.
const REFUSES_ONE: (u32, &str) = (38, "2026-12-16");

/// What there is to plan for with this containerd, as `1.6.20~ds1`, a sentence each with date and source; nothing for one
/// that is looked after and recommended. `kubelet` is the minor release of Kubernetes, where that is known.
pub fn too_old_soon(containerd: &str, kubelet: Option<u32>, now: SystemTime) -> Vec<String> {
    let mut found: Vec<String> = ended(containerd, now).into_iter().collect();
    if version(containerd).is_some_and(|version| version.major < 2) {
        let (minor, day) = REFUSES_ONE;
        found.push(format!(
            "Kubernetes 1.{minor}, planned for {day}, takes containerd 2.0 and later only (kubernetes#139121); this is {containerd}"
        ));
    }
    found.extend(kubelet.and_then(|minor| not_recommended(containerd, minor)));
    found
}

/// The end of its release, when that is past or near.
pub fn ended(containerd: &str, now: SystemTime) -> Option<String> {
    let Version { major, minor, .. } = version(containerd)?;
    // Older than the oldest row ended before that one did.
    let release = (major, minor);
    let (_, day) =
        ENDS.iter().find(|(known, _)| *known == release).or(ENDS.first().filter(|(first, _)| release < *first))?;
    let end = time::parse(&format!("{day}T23:59:59Z"))?;
    let verb = if end < now { "ended" } else { "ends" };
    (end < now + AHEAD)
        .then(|| format!("the containerd project's support of {major}.{minor} {verb} on {day} ({SOURCE})"))
}

/// What is recommended instead, when this one is older than what that Kubernetes 1.x is recommended with.
pub fn not_recommended(containerd: &str, kubelet: u32) -> Option<String> {
    let (oldest, newest) = (RECOMMENDED.first()?, RECOMMENDED.last()?);
    if kubelet < oldest.0 {
        return None;
    }
    // Of a Kubernetes that is newer than the table the last row is the least that can be said.
    let (of, least) = RECOMMENDED.iter().find(|(minor, _)| *minor == kubelet).unwrap_or(newest);
    let this = version(containerd)?;
    let lines: Vec<Version> = least.iter().filter_map(|least| version(least)).collect();
    let newer = lines.iter().all(|line| (this.major, this.minor) > (line.major, line.minor));
    let good = newer || lines.iter().any(|line| (line.major, line.minor) == (this.major, this.minor) && this >= *line);
    (!good).then(|| {
        format!(
            "Kubernetes 1.{of} is recommended with containerd {} or later ({SOURCE}); this is {containerd}",
            least.join(", ")
        )
    })
}

fn version(text: &str) -> Option<Version> {
    Version::parse(&text.replace('~', "-")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> SystemTime {
        time::parse(&format!("{day}T12:00:00Z")).unwrap()
    }

    #[test]
    fn the_end_of_a_release_is_told_a_quarter_ahead_with_its_date() {
        for (containerd, day, expected) in [
            ("1.6.20~ds1", "2026-11-27", Some("support of 1.6 ended on 2025-08-23")),
            ("1.4.13", "2026-11-27", Some("support of 1.4 ended on 2023-02-28")),
            ("1.7.24~ds1", "2026-08-01", Some("support of 1.7 ends on 2026-09-30")),
            ("1.7.24~ds1", "2026-06-01", None),
            ("2.1.9+unknown", "2026-11-27", Some("support of 2.1 ended on 2026-07-03")),
            ("v2.2.5", "2026-11-27", Some("support of 2.2 ended on 2026-11-06")),
            ("v2.3.4", "2026-11-27", None),
            ("v2.9.0", "2031-01-01", None),
            ("unknown", "2031-01-01", None),
        ] {
            let told = ended(containerd, at(day));
            assert_eq!(told.is_some(), expected.is_some(), "{containerd} {day}: {told:?}");
            assert!(told.is_none_or(|t| t.contains(expected.unwrap_or_default()) && t.contains("RELEASES.md")));
        }
    }

    #[test]
    fn kubernetes_recommendation_is_by_the_line_of_containerd() {
        for (containerd, kubelet, good) in [
            ("1.6.20~ds1", 28, true),
            ("1.6.20~ds1", 29, false),
            ("1.7.24~ds1", 33, true),
            ("1.7.24~ds1", 34, false),
            ("2.1.9+unknown", 28, true),
            ("2.1.9", 35, true),
            ("2.1.4", 35, false),
            ("2.1.9", 36, false),
            ("2.2.0", 36, true),
            ("2.4.1", 36, true),
            ("2.1.9", 40, false),
            ("1.5.9", 22, true),
        ] {
            assert_eq!(not_recommended(containerd, kubelet).is_none(), good, "{containerd} with 1.{kubelet}");
        }
    }

    #[test]
    fn what_there_is_to_plan_for_has_a_date_or_a_source_in_every_sentence() {
        let told = too_old_soon("1.6.20~ds1", Some(36), at("2026-11-27"));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[1].contains("1.38, planned for 2026-12-16") && told[1].contains("kubernetes#139121"), "{told:?}");
        assert!(told[2].contains("containerd 2.3.0, 2.2.0 or later"), "{told:?}");
        assert_eq!(too_old_soon("v2.3.4", Some(36), at("2026-11-27")), Vec::<String>::new());
    }
}
