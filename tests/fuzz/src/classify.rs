//! kubeadm's words: whatever a node prints, a finding is bounded, shows no control characters, and no secret is kept.

use crate::Check;
use kubeadm::classify::{Texts, classify};
use kubeadm::redact::redact;
use std::collections::HashSet;

/// What kubeadm prints holds node names, URLs and what a server answered.
pub static CHECK: Check = Check {
    name: "classify",
    run,
    seed_dirs: &["crates/kubeadm/tests/data/classify"],
    seeds: &[b"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nclient-key-data: TUlJ\n--certificate-key 0a\n"],
    words: &[
        "error execution phase preflight: ", "\t[ERROR ", "\t[WARNING ", "error: ", "abcdef.0123456789abcdef", "key-data:",
        "--certificate-key", "-----BEGIN PRIVATE KEY-----", "-----END ", "\x1b[31m", "\u{2028}", "ž", "\r",
        "To see the stack trace of this error execute with --v=5 or higher", "[discovery] Retrying due to error: ",
    ],
};

/// The longest evidence, in characters, with its ellipsis.
const LONGEST: usize = 501;

/// Panics when something does not hold.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let cut = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    for texts in [
        Texts { kubeadm: &text, kubelet: "", runtime: "" },
        Texts { kubeadm: &text[..cut], kubelet: &text[cut..], runtime: &text },
    ] {
        let findings = classify(&texts);
        let classes: HashSet<_> = findings.iter().map(|finding| finding.class()).collect();
        assert_eq!(classes.len(), findings.len(), "a class is found twice");
        for shown in findings.iter().flat_map(|finding| finding.captures.iter().chain([&finding.evidence])) {
            assert!(!shown.chars().any(char::is_control) && shown.chars().count() <= LONGEST, "{shown:?}");
        }
    }
    let kept = redact(&text);
    assert_eq!(redact(&kept), kept, "what was redacted still holds something to redact");
    assert!(!has_token(&kept), "a token is left: {kept:?}");
}

/// A bootstrap token between spaces or at an end: what nobody could take for anything else.
fn has_token(text: &str) -> bool {
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.split([' ', '\n', '\t']).any(|word| {
        word.split_once('.')
            .is_some_and(|(id, secret)| id.len() == 6 && secret.len() == 16 && plain(id) && plain(secret))
    })
}
