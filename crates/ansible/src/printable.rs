//! Text for people out of text that is anybody's: names of files, mounts, images and hosts, and other programs' words.
//!
//! A name may hold an escape sequence, a carriage return or a line end, and with them write lines on a terminal that
//! nobody said; marks of text direction and invisible characters change what is read. What is not printable is shown
//! as Python would write it (`\x1b`, `\u202e`), so that both sides of an answer say it alike. A backslash stays one.

use std::borrow::Cow;
use std::fmt::Write;

/// One line, without a character that is not printable.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, "")
}

/// The same for a text of several lines: line ends and tabs stay.
pub(crate) fn printable_lines(text: &str) -> Cow<'_, str> {
    escaped(text, "\n\t")
}

fn escaped<'a>(text: &'a str, kept: &str) -> Cow<'a, str> {
    if text.chars().all(|c| shown(c) || kept.contains(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            c if shown(c) || kept.contains(c) => write!(out, "{c}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if u32::from(c) < 0x100 => write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) < 0x1_0000 => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "\\U{:08x}", u32::from(c)),
        };
    }
    Cow::Owned(out)
}

/// Whether a terminal shows it. The standard library's table of printable characters, which only `escape_debug` reads:
/// behind a letter, where a combining accent stands rightly.
fn shown(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    let mut text = [b'a', 0, 0, 0, 0];
    let length = 1 + c.encode_utf8(&mut text[1..]).len();
    std::str::from_utf8(&text[..length]).is_ok_and(|text| text.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_writes_on_a_terminal_or_hides_is_shown() {
        let name = "a\u{1b}[2K\r\nok: [w1]\t\u{7f}\u{9b}\u{202e}\u{200b}\u{2028}\u{feff}\u{e0041}\u{a0}z";
        let said = "a\\x1b[2K\\r\\nok: [w1]\\t\\x7f\\x9b\\u202e\\u200b\\u2028\\ufeff\\U000e0041\\xa0z";
        assert_eq!(printable(name), said);
    }

    #[test]
    fn what_people_write_stays_as_it_is() {
        for text in ["", "/srv/media/Amélie (2001) \\ \"x\" 'y'.mkv", "Cafe\u{301}", "映画", "فيلم", "📽", "{\"a\": 1}"]
        {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn lines_stay_lines_where_there_are_to_be_some() {
        assert_eq!(printable_lines("a\tb\n\u{1b}c\r\n"), "a\tb\n\\x1bc\\r\n");
    }

    proptest! {
        #[test]
        fn never_a_control_character_and_never_twice_different(text in any::<String>()) {
            let once = printable(&text).into_owned();
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(printable(&once), once.as_str());
        }
    }
}
