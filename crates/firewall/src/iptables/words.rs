//! The words of one rule as `iptables-save` prints it, with its quoting undone.
//!
//! libxtables' `xtables_save_string` quotes a value with `"` unless it consists of `[A-Za-z0-9_-]`, and escapes `"`, `'`
//! and `\` with a backslash. Nothing else is escaped: a comment may hold a raw newline, so one rule may span lines.

/// Split a rule into words. Bytes that are no UTF-8 become U+FFFD: words are for recognising a rule, never for
/// writing it back, which uses the original bytes. An unclosed quote ends at the end of the text.
pub fn split(line: &[u8]) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted = false;
    let mut bytes = line.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b'\\' if quoted => word.get_or_insert_default().extend(bytes.next()),
            b' ' | b'\t' | b'\n' | b'\r' if !quoted => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    words.into_iter().map(|w| String::from_utf8_lossy(&w).into_owned()).collect()
}

/// The number of bytes up to the end of the first logical line: the first newline outside quotes, which is not counted.
pub fn line_length(text: &[u8]) -> usize {
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// The chain a rule leads to with `-j` or `-g`, if any.
///
/// A value can look like an option: `--comment -j` is what a comment of "-j" is saved as, without quotes. The word after
/// a real `-j` is a chain or target, whose name starts with neither `-` nor `!` (iptables refuses such names), while the
/// word after such a value is an option again, or `!`, or nothing.
pub fn target(words: &[String]) -> Option<&str> {
    words
        .windows(2)
        .find(|pair| matches!(pair[0].as_str(), "-j" | "-g" | "--jump" | "--goto") && !pair[1].starts_with(['-', '!']))
        .map(|pair| pair[1].as_str())
}

/// The values of an option that takes one word, such as `--comment` or `-s`, in order.
pub fn values<'a>(words: &'a [String], option: &'a str) -> impl Iterator<Item = &'a str> {
    words.windows(2).filter(move |pair| pair[0] == option).map(|pair| pair[1].as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn undoes_the_quoting_of_iptables_save() {
        let line = br#"-A POSTROUTING -s 10.244.0.3/32 -m comment --comment "name: \"cni0\" id: \"a02d\"" -j CNI-44d0"#;
        let words = split(line);
        assert_eq!(words[7], r#"name: "cni0" id: "a02d""#);
        assert_eq!(target(&words), Some("CNI-44d0"));
        assert_eq!(values(&words, "-s").collect::<Vec<_>>(), ["10.244.0.3/32"]);
    }

    #[test]
    fn a_quoted_jump_is_no_jump() {
        let words = split(br#"-A INPUT -m comment --comment "x -j KUBE-SERVICES" -j ACCEPT"#);
        assert_eq!(target(&words), Some("ACCEPT"));
        let words = split(br#"-A INPUT -m string --string "-j KUBE-X" --algo bm"#);
        assert_eq!(target(&words), None);
    }

    #[test]
    fn a_comment_that_is_an_option_is_still_a_comment() {
        assert_eq!(target(&owned(&["-m", "comment", "--comment", "-j", "-j", "KUBE-X"])), Some("KUBE-X"));
        assert_eq!(target(&owned(&["-m", "comment", "--comment", "-j"])), None);
        assert_eq!(target(&owned(&["-m", "comment", "--comment", "-g", "-m", "mark", "-j", "ACCEPT"])), Some("ACCEPT"));
    }

    #[test]
    fn a_line_ends_at_the_first_newline_outside_quotes() {
        assert_eq!(line_length(b"-A \"a\nb \\\" c\n\" -j X\nrest"), 19);
        assert_eq!(line_length(b"plain"), 5);
    }
}
