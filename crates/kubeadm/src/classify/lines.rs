//! Which lines of a transcript can tell a failure, and what kind of statement each is.
//!
//! kubeadm's warnings share their text with its errors (`--ignore-preflight-errors` turns one into the other), so the
//! tag decides, not the words. The phase prefix moved over the releases: `error execution phase P: …` up to 1.33,
//! `error: error execution phase P: …` from 1.34 with the `[ERROR X]` lines printed *before* it.

use super::rows::Place;

/// Lines longer than this are cut before they are looked at: a wording is never that far in.
const LINE_BYTES: usize = 8 * 1024;
/// Only the last part of a text is looked at: the failure is at its end.
const TEXT_BYTES: usize = 1024 * 1024;
/// What kubeadm prints after every error, unless run at `--v=5` or higher.
const TRAILER: &str = "To see the stack trace of this error execute with --v=5 or higher";

/// kubeadm's lines, each with what it is.
pub(crate) fn kubeadm(text: &str) -> Vec<(Place, &str)> {
    let lines: Vec<&str> = bounded(text).collect();
    let mut in_error = false;
    let mut sorted = Vec::with_capacity(lines.len());
    for (index, line) in lines.iter().enumerate() {
        let before_trailer = lines.get(index + 1).is_some_and(|next| next.starts_with(TRAILER));
        if line.starts_with(TRAILER) {
            in_error = false;
        } else if opens_error(line) {
            in_error = true;
        }
        let place = if line.trim_start().starts_with("[WARNING ") {
            Place::Warning
        } else if line.contains("[ERROR ") {
            Place::Preflight
        } else if is_progress(line) {
            Place::Progress
        } else if in_error || before_trailer {
            Place::Error
        } else {
            Place::Output
        };
        sorted.push((place, *line));
    }
    sorted
}

/// A journal's lines.
pub(crate) fn journal(text: &str) -> impl Iterator<Item = &str> {
    bounded(text)
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
