//! A package manager's own words as a part of a sentence.

/// How much of them goes along, in characters.
const MOST: usize = 240;

/// On one line, without control characters, and cut where it gets long.
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    if text.chars().count() > MOST { format!("{}...", text.chars().take(MOST).collect::<String>()) } else { text }
}
