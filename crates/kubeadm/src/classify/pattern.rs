//! Wordings as patterns: literal text with `{}` where it varies. Not anchored, within one line, case as written.
//!
//! A regular expression engine would cost the shipped binary over a megabyte; the table needs only this.

/// What the gaps of `pattern` hold in `line`, or `None` when the literals do not occur in this order.
///
/// A gap takes as little as it can; a gap at either end takes nothing beyond the literal next to it, so a pattern that
/// starts or ends with `{}` captures to the line's start or end.
pub(crate) fn find<'a>(line: &'a str, pattern: &str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let first = pieces.next().unwrap_or_default();
    let start = line.find(first)?;
    let mut captures = Vec::new();
    let mut rest = &line[start + first.len()..];
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        let at = if piece.is_empty() && pieces.peek().is_none() { rest.len() } else { rest.find(piece)? };
        captures.push(&rest[..at]);
        rest = &rest[at + piece.len()..];
    }
    Some(captures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn gaps_capture_what_stands_between_the_literals() {
        let line = "error: a Node with name \"w1\" and status \"Ready\" already exists in the cluster";
        let captures = find(line, "a Node with name \"{}\" and status \"{}\" already exists");
        assert_eq!(captures, Some(vec!["w1", "Ready"]));
    }

    #[test]
    fn a_gap_at_the_end_takes_the_rest() {
        assert_eq!(find("unknown flag: --foo", "unknown flag: {}"), Some(vec!["--foo"]));
    }

    #[test]
    fn literals_in_the_wrong_order_do_not_match() {
        assert_eq!(find("b then a", "a{}b"), None);
    }

    proptest! {
        #[test]
        fn never_panics_and_a_match_can_be_put_together_again(line in ".*", a in "[^{}]{0,4}", b in "[^{}]{0,4}") {
            let pattern = format!("{a}{{}}{b}");
            if let Some(captures) = find(&line, &pattern) {
                let joined = format!("{a}{}{b}", captures[0]);
                prop_assert!(line.contains(&joined));
            }
        }

        #[test]
        fn finds_what_was_put_in(before in "[^{}]*", a in "[a-z]{1,5}", gap in "[^{}]*", b in "[A-Z]{1,5}", after in "[^{}]*") {
            let line = format!("{before}{a}{gap}{b}{after}");
            let pattern = format!("{a}{{}}{b}");
            prop_assert!(find(&line, &pattern).is_some());
        }
    }
}
