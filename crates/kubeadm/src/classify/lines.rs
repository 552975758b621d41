//! Which lines of a transcript can tell a failure, and what kind of statement each is.
//!
//! kubeadm's warnings share their text with its errors (`--ignore-preflight-errors` turns one into the other), so the
//! tag decides, not the words. The phase prefix moved over the releases: `error execution phase P: …` up to 1.33,
//! `error: error execution phase P: …` from 1.34 with the `[ERROR X]` lines printed *before* it.

use super::row::Place;
use std::borrow::Cow;

/// Lines longer than this are cut before they are looked at: a wording is never that far in.
const LINE_BYTES: usize = 8 * 1024;
/// Only the last part of a text is looked at: the failure is at its end.
const TEXT_BYTES: usize = 1024 * 1024;
/// What kubeadm prints after every error, unless run at `--v=5` or higher.
const TRAILER: &str = "To see the stack trace of this error execute with --v=5 or higher";

/// kubeadm's lines, each with what it is.
pub(crate) fn kubeadm(text: &str) -> Vec<(Place, &str)> {
    let lines: Vec<&str> = bounded(text).collect();
    let traced = traced(&lines);
    let (mut in_error, mut in_check) = (false, false);
    let mut sorted = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let before_trailer = lines.get(index + 1).is_some_and(|next| next.starts_with(TRAILER));
        if line.starts_with(TRAILER) {
            in_error = false;
        } else if opens_error(line) {
            in_error = true;
        }
        // What a failed check quotes from another program may be several lines long.
        in_check = line.contains("[ERROR ") || (in_check && !ends_check(line));
        let place = if line.trim_start().starts_with("[WARNING ") {
            Place::Warning
        } else if in_check {
            Place::Preflight
        } else if is_progress(line) {
            Place::Progress
        } else if in_error || before_trailer || traced[index] {
            Place::Error
        } else {
            Place::Output
        };
        sorted.push((place, *line));
    }
    sorted
}

/// A journal's lines, the newest first.
pub(crate) fn newest_first(text: &str) -> impl Iterator<Item = &str> {
    bounded(text).collect::<Vec<_>>().into_iter().rev()
}

/// The line without the backslashes before its quotes: each program that passes an error on quotes it once more.
pub(crate) fn plain(line: &str) -> Cow<'_, str> {
    if !line.contains("\\\"") {
        return Cow::Borrowed(line);
    }
    let mut plain = String::with_capacity(line.len());
    let mut slashes = 0;
    for c in line.chars() {
        match c {
            '\\' => slashes += 1,
            other => {
                let kept = if other == '"' { 0 } else { slashes };
                plain.extend(std::iter::repeat_n('\\', kept));
                plain.push(other);
                slashes = 0;
            }
        }
    }
    plain.extend(std::iter::repeat_n('\\', slashes));
    Cow::Owned(plain)
}

/// The line that begins kubeadm's final error, with or without the `error:` of 1.34 and later.
fn opens_error(line: &str) -> bool {
    line.starts_with("error:") || line.starts_with("error execution phase ") || line.contains("error execution phase ")
}

/// At `--v=1` discovery tells every failed try, minutes before it gives up.
fn is_progress(line: &str) -> bool {
    line.contains("[discovery] Retrying due to error: ")
        || line.contains("[discovery] Failed to request cluster-info, will try again: ")
        || line.contains("[discovery] The cluster-info ConfigMap does not yet contain a JWS signature")
        || line.contains("[discovery] Error reading the cluster-info ConfigMap, will try again: ")
}

/// The line after a failed check's last.
fn ends_check(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("[WARNING ") || line.starts_with("[preflight]") || opens_error(line) || line.starts_with(TRAILER)
}

/// At `--v=5` and above an error is followed by its stack, its cause before it and with a stack of its own: which lines are
/// such messages, and not output.
fn traced(lines: &[&str]) -> Vec<bool> {
    let frame = |index: usize| {
        lines.get(index + 1).is_some_and(|next| next.starts_with('\t') && next.contains(".go:"))
            && !lines[index].starts_with('\t')
            && lines[index].contains('.')
            && !lines[index].contains(' ')
    };
    let output = |line: &str| line.is_empty() || line.starts_with(['[', '\t', '#']) || is_klog(line);
    let mut traced = vec![false; lines.len()];
    for index in 1..lines.len() {
        if !frame(index) || index > 1 && frame(index - 2) {
            continue;
        }
        let mut at = index;
        while at > 0 && !output(lines[at - 1]) && !frame(at - 1) {
            at -= 1;
            traced[at] = true;
        }
    }
    traced
}

/// `I1126 20:09:52.020674    8340 token.go:80] …`, with any severity.
pub(crate) fn is_klog(line: &str) -> bool {
    let mut bytes = line.bytes();
    bytes.next().is_some_and(|severity| b"IWEF".contains(&severity))
        && bytes.by_ref().take(4).filter(u8::is_ascii_digit).count() == 4
}

/// The lines of the last [`TEXT_BYTES`] of the text, each cut to [`LINE_BYTES`].
fn bounded(text: &str) -> impl Iterator<Item = &str> {
    let start = boundary(text, text.len().saturating_sub(TEXT_BYTES));
    text[start..].lines().map(|line| &line[..boundary(line, LINE_BYTES.min(line.len()))])
}

/// The nearest character boundary at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|&index| text.is_char_boundary(index)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place_of(text: &str, needle: &str) -> Place {
        kubeadm(text).into_iter().find(|(_, line)| line.contains(needle)).map(|(place, _)| place).unwrap()
    }

    #[test]
    fn errors_before_the_phase_line_are_errors_too() {
        let text = "[preflight] Some fatal errors occurred:\n\t[ERROR CRI]: x\n\
                    error: error execution phase preflight: preflight checks failed\n";
        assert_eq!(place_of(text, "CRI"), Place::Preflight);
        assert_eq!(place_of(text, "checks failed"), Place::Error);
    }

    #[test]
    fn the_causes_that_stand_before_a_stack_are_errors_and_output_is_not() {
        let text = "[download-certs] Downloading\ncipher: failed\nerror decoding\nk8s.io/kubernetes/x.f\n\tk8s.io/x.go:67\nruntime.goexit\n\truntime/asm.s:1\nerror downloading certs\nk8s.io/kubernetes/x.g\n\tk8s.io/x.go:9\n";
        for needle in ["cipher", "error decoding", "error downloading certs"] {
            assert_eq!(place_of(text, needle), Place::Error, "{needle}");
        }
        assert_eq!(place_of(text, "[download-certs]"), Place::Output);
        assert_eq!(place_of(text, "x.go:67"), Place::Output);
    }

    #[test]
    fn what_a_failed_check_quotes_belongs_to_it() {
        let text = "error execution phase preflight: [preflight] Some fatal errors occurred:\n\t[ERROR ImagePull]: failed\ntime=\"x\" level=fatal\n, error: exit status 1\n[preflight] If you know\n";
        assert_eq!(place_of(text, "level=fatal"), Place::Preflight);
        assert_eq!(place_of(text, "If you know"), Place::Error);
    }

    #[test]
    fn quotes_are_read_however_often_they_are_escaped() {
        assert_eq!(plain(r#"a \"b\" \\\"c\\\" \\d"#), r#"a "b" "c" \\d"#);
        assert_eq!(plain("nothing to do"), "nothing to do");
    }

    #[test]
    fn an_error_without_a_prefix_is_the_line_before_the_trailer() {
        let text = format!("discovery: Invalid value: \"\": bootstrapToken or file must be set\n{TRAILER}\n");
        assert_eq!(place_of(&text, "bootstrapToken"), Place::Error);
    }

    #[test]
    fn a_warning_stays_one_even_inside_the_error_block() {
        let text = "error execution phase preflight: x\n\t[WARNING Swap]: running with swap on\n";
        assert_eq!(place_of(text, "Swap"), Place::Warning);
    }

    #[test]
    fn only_the_end_of_a_huge_text_is_read_and_characters_are_not_cut() {
        let text = format!("{}\nerror: end\n", "ž".repeat(TEXT_BYTES));
        let lines = kubeadm(&text);
        assert_eq!(lines.last().map(|(place, _)| *place), Some(Place::Error));
        assert!(lines.iter().all(|(_, line)| line.len() <= LINE_BYTES));
    }
}
