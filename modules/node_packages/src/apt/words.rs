//! What apt says when it fails, as a sentence: the plain meaning first, apt's own words behind it.

use crate::one_line::one_line;
use host::process::Output;

/// What stands in a line of apt, and what it means. The first that fits is told; apt 2.4 to 3.0, gpgv and sqv.
const MEANINGS: &[(&str, &str)] = &[
    ("No space left on device", "there is no space left"),
    ("enough free space", "there is no space left"),
    ("EXPKEYSIG", "the key that it is signed with has expired"),
    ("EXPSIG", "its signature has expired"),
    ("ignature expired", "its signature has expired"),
    ("xpired on", "its signature has expired"),
    ("REVKEYSIG", "the key that it is signed with was revoked"),
    ("BADSIG", "its signature is wrong"),
    ("NO_PUBKEY", "it is signed with another key than the one that was given"),
    ("issing key", "it is signed with another key than the one that was given"),
    ("unsupported filetype", "what was given as its key is not a key"),
    ("is expired (invalid since", "its index has expired"),
    ("is not valid yet", "its index is of a time to come: this machine's clock may be wrong"),
    ("Hash Sum mismatch", "a file is not the one that its index promises"),
    ("unexpected size", "a file is not the one that its index promises"),
    ("Certificate verification failed", "its certificate is not trusted here"),
    ("certificate", "its certificate is not trusted here"),
    ("Could not resolve", "the name of its host cannot be resolved"),
    ("Temporary failure resolving", "the name of its host cannot be resolved"),
    ("Connection refused", "it cannot be reached"),
    ("Could not connect", "it cannot be reached"),
    ("Unable to connect", "it cannot be reached"),
    ("timed out", "it cannot be reached"),
    ("is not signed", "it is not signed, or not there"),
    ("does not have a Release file", "there is no repository at this address"),
    ("404", "it does not have a file that is wanted of it"),
    ("403", "it refuses a file that is wanted of it"),
    ("File not found", "it does not have a file that is wanted of it"),
    ("Unable to locate package", "no source has it"),
    ("has no installation candidate", "no source has it"),
    ("unmet dependencies", "a package needs another that no source has"),
];
/// What is only said because of another line.
const EMPTY: &[&str] = &[
    "Some index files failed to download",
    "returned an error code (1)",
    "Unable to fetch some archives",
    "Failed to fetch some",
];

/// Why it failed.
pub fn why(output: &Output) -> String {
    read(&format!("{}\n{}", output.stderr_text(), output.stdout_text()))
}

/// The same, of the text.
pub fn read(text: &str) -> String {
    let starts = ["E:", "W:", "Err:", "dpkg:", "dpkg-deb:", "tar:"];
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let next = lines.iter().skip(1).copied().chain([""]);
    // apt and dpkg put a reason on the line behind what it is the reason of.
    let joined = lines.iter().zip(next).map(|(line, next)| match line.starts_with("dpkg: error") {
        true => format!("{line} {next}"),
        false => (*line).to_owned(),
    });
    let telling = |line: &String| {
        let meant = MEANINGS.iter().any(|(sign, _)| line.contains(sign));
        let empty = EMPTY.iter().any(|empty| line.contains(empty)) || line.contains("warning:");
        (meant || starts.iter().any(|start| line.starts_with(start))) && !empty
    };
    let said: Vec<String> = joined.filter(telling).collect();
    for (sign, meaning) in MEANINGS {
        if let Some(line) = said.iter().find(|line| line.contains(sign)) {
            // That follows from whatever went wrong with the check, which is told in another line.
            let cause = said.iter().find(|line| line.contains("GPG error")).filter(|_| *sign == "is not signed");
            if let Some(cause) = cause {
                return format!("its signature could not be checked ({})", clean(cause));
            }
            return format!("{meaning} ({})", clean(line));
        }
    }
    let error = said.iter().find(|line| line.starts_with("E:") || line.starts_with("dpkg")).or(said.first());
    error.map_or_else(|| "apt does not say why".to_owned(), |line| clean(line))
}

fn clean(line: &str) -> String {
    one_line(["E:", "W:"].iter().find_map(|start| line.strip_prefix(start)).unwrap_or(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meaning_comes_first_and_apts_own_words_follow() {
        let text = "Err:1 http://x/ InRelease\n  The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0123\n\
            W: GPG error: http://x/ InRelease: The following signatures couldn't be verified because the public key is not available: NO_PUBKEY 0123\n\
            E: The repository 'http://x/ InRelease' is not signed.\nE: Some index files failed to download. They have been ignored, or old ones used instead.\n";
        let said = read(text);
        assert!(
            said.starts_with("it is signed with another key than the one that was given (")
                && said.contains("NO_PUBKEY 0123"),
            "{said}"
        );
        assert!(!said.contains('\n'));
    }

    #[test]
    fn what_is_not_in_the_table_is_apts_first_error() {
        assert_eq!(
            read("W: whatever\nE: Something  new\tbroke\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n"),
            "Something new broke"
        );
        assert_eq!(read(""), "apt does not say why");
        let dpkg = "dpkg: warning: downgrading x\ndpkg: error processing package kubelet (--configure):\n installed kubelet package post-installation script subprocess returned error exit status 1\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n";
        assert!(
            read(dpkg).starts_with("dpkg: error processing package kubelet (--configure): installed kubelet package"),
            "{}",
            read(dpkg)
        );
    }
}
