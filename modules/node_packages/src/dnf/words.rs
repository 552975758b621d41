//! What dnf says when it fails, as a sentence: the plain meaning first, dnf's own words behind it.

use crate::one_line::one_line;
use host::process::Output;

/// What stands in a line of dnf, and what it means. The first that fits is told; dnf 4.14, librepo and rpm 4.18.
const MEANINGS: &[(&str, &str)] = &[
    ("No space left on device", "there is no space left"),
    ("more space needed", "there is no space left"),
    ("repomd.xml GPG signature verification error", "its signature could not be checked"),
    ("Public key for", "a package is signed with another key than the one that was given"),
    ("is not signed", "a package is not signed"),
    ("GPG check FAILED", "a package's signature is wrong"),
    ("key is not correct", "it is signed with another key than the one that was given"),
    ("Status code: 404", "it does not have a file that is wanted of it"),
    ("Status code: 403", "it refuses a file that is wanted of it"),
    ("Couldn't open file", "it does not have a file that is wanted of it"),
    ("Could not resolve host", "the name of its host cannot be resolved"),
    ("Couldn't resolve host", "the name of its host cannot be resolved"),
    ("Couldn't connect to server", "it cannot be reached"),
    ("Timeout was reached", "it cannot be reached"),
    ("SSL peer certificate", "its certificate is not trusted here"),
    ("checksum doesn't match", "a file is not the one that its index promises"),
    ("Checksum error", "a file is not the one that its index promises"),
    ("All mirrors were tried", "it cannot be had from any address"),
    ("Unable to find a match", "no source has it"),
    ("nothing provides", "a package needs another that no source has"),
    ("conflicts with", "it conflicts with what is there"),
];

/// Why it failed.
pub fn why(output: &Output) -> String {
    read(&format!("{}\n{}", output.stderr_text(), output.stdout_text()))
}

fn read(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    for (sign, meaning) in MEANINGS {
        if let Some(line) = lines.iter().find(|line| line.contains(sign)) {
            return format!("{meaning} ({})", one_line(line));
        }
    }
    let error = lines.iter().position(|line| line.starts_with("Error"));
    // dnf puts a reason on the line behind what it is the reason of.
    let said = error.map(|at| lines[at..].iter().take(2).copied().collect::<Vec<_>>().join(" "));
    said.map_or_else(|| "dnf does not say why".to_owned(), |line| one_line(&line))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn the_meaning_comes_first_and_dnfs_own_words_follow() {
        let said = read(
            "Errors during downloading metadata for repository 'x':\n  - Status code: 404 for http://h/repodata/repomd.xml\nError: Failed to download metadata\n",
        );
        assert!(said.starts_with("it does not have a file that is wanted of it (- Status code: 404"), "{said}");
        assert_eq!(read("Error:\n Problem: something new\n"), "Error: Problem: something new");
        assert_eq!(read(""), "dnf does not say why");
    }
}
