//! The known name nearest to a mistyped one, for "did you mean".

/// The candidate with the smallest edit distance to `word`, when it is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|c| (distance(word, c), c))
        .min_by_key(|(d, _)| *d)
        .filter(|(d, c)| *d <= 1 + word.len().max(c.len()) / 3)
        .map(|(_, c)| c)
}

/// Levenshtein distance in characters, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_the_name_that_was_meant_and_nonsense_finds_none() {
        let names = ["state", "profile", "bridge", "subnet"];
        assert_eq!(nearest("sate", names.into_iter()), Some("state"));
        assert_eq!(nearest("brigde", names.into_iter()), Some("bridge"));
        assert_eq!(nearest("quuxfrobnicate", names.into_iter()), None);
    }
}
