//! Takes secrets out of a text that is about to be kept or shown: bootstrap tokens and their secret halves, private keys, key
//! data, also where these are inside base64.
//!
//! Whoever knows the exact secret masks that as well; this catches what other programs print of their own accord.

/// What stands where a secret stood.
const MASK: &str = "********";
/// The length of a token in base64, without padding.
const SHORTEST: usize = 31;

/// Before a value that is a secret whatever it looks like: of kubeconfigs, of the Secret of a bootstrap token and that of a
/// service account, and of kubeadm's own flags.
const LABELS: [&str; 9] = [
    "key-data:",
    "key-data\":",
    "token-secret:",
    "token-secret\":",
    "token-secret=",
    "--certificate-key",
    "--token ",
    "--token=",
    "--discovery-token ",
];

/// The text without bootstrap tokens, PEM private keys, the values of [`LABELS`], and base64 with any of these in it.
pub fn redact(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut in_key = false;
    for line in text.split_inclusive('\n') {
        let begins = line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----");
        if begins || in_key {
            if begins {
                kept.push_str(MASK);
                kept.push('\n');
            }
            in_key = !line.contains("-----END ");
            continue;
        }
        let clean = LABELS.into_iter().fold(tokens(line), |line, label| value_after(&line, label));
        kept.push_str(&encoded(&clean));
    }
    kept
}

/// Replaces every `[a-z0-9]{6}.[a-z0-9]{16}` that stands alone.
fn tokens(line: &str) -> String {
    let bytes = line.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let alone = |b: Option<&u8>| b.is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.' && *b != b'-');
    let mut kept = String::with_capacity(line.len());
    let mut done = 0;
    let mut at = 0;
    while at + 23 <= bytes.len() {
        let word = &bytes[at..at + 23];
        let is_token = word[6] == b'.'
            && word[..6].iter().all(plain)
            && word[7..].iter().all(plain)
            && alone(at.checked_sub(1).and_then(|i| bytes.get(i)))
            && end_is_free(&bytes[at + 23..]);
        if is_token {
            kept.push_str(&line[done..at]);
            kept.push_str(MASK);
            at += 23;
            done = at;
        } else {
            at += 1;
        }
    }
    kept.push_str(&line[done..]);
    kept
}

/// A sentence's full stop may follow a token; another label of a name may not.
fn end_is_free(rest: &[u8]) -> bool {
    match rest {
        [b'.', next, ..] => !next.is_ascii_alphanumeric(),
        [next, ..] => !next.is_ascii_alphanumeric() && *next != b'-',
        [] => true,
    }
}

/// Replaces each word of base64 in which a token or a private key stands.
fn encoded(line: &str) -> String {
    let part = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(from) = rest.find(part) {
        kept.push_str(&rest[..from]);
        let word = &rest[from..];
        let word = &word[..word.find(|c| !part(c)).unwrap_or(word.len())];
        rest = &rest[from + word.len()..];
        if word.len() >= SHORTEST && hides(word) {
            kept.push_str(MASK);
            rest = rest.trim_start_matches('=');
        } else {
            kept.push_str(word);
        }
    }
    kept + rest
}

/// Whether there is a secret in what the word stands for.
fn hides(word: &str) -> bool {
    let bits = |c: u8| match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = word.bytes().filter_map(bits).collect();
    let bytes: Vec<u8> = digits
        .chunks(4)
        .flat_map(|four| {
            let all = four.iter().fold(0u32, |all, digit| all << 6 | u32::from(*digit)) << (6 * (4 - four.len()));
            all.to_be_bytes()[1..four.len()].to_vec()
        })
        .collect();
    let text = String::from_utf8_lossy(&bytes);
    text.contains("PRIVATE KEY-----") || LABELS.iter().any(|label| text.contains(label)) || tokens(&text) != text
}

/// Replaces the word after `label`, wherever it stands.
fn value_after(line: &str, label: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(start) = rest.find(label).map(|at| at + label.len()) {
        kept.push_str(&rest[..start]);
        rest = &rest[start..];
        let from = rest.find(|c: char| !c.is_whitespace() && c != '=').unwrap_or(rest.len());
        kept.push_str(&rest[..from]);
        rest = &rest[from..];
        // Taken away before: what follows it is no part of it.
        if rest.starts_with(MASK) {
            continue;
        }
        let to = rest.find(char::is_whitespace).unwrap_or(rest.len());
        kept.push_str(if to > 0 { MASK } else { "" });
        rest = &rest[to..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tokens_go_and_names_stay() {
        let text = "kubeadm join --token abcdef.0123456789abcdef. at 10.0.0.1, pod calico.kubernetes0000000.svc";
        assert_eq!(redact(text), "kubeadm join --token ********. at 10.0.0.1, pod calico.kubernetes0000000.svc");
    }

    #[test]
    fn keys_go_whole() {
        let text =
            "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb\n    client-key-data: TUlJ\n";
        assert_eq!(redact(text), "a\n********\nb\n    client-key-data: ********\n");
    }

    #[test]
    fn a_certificate_key_goes() {
        assert_eq!(redact("join --certificate-key 0a1b2c --v=5"), "join --certificate-key ******** --v=5");
    }

    #[test]
    fn the_secret_half_goes_where_it_is_called_so() {
        for text in [
            "  token-id: abcdef\n  token-secret: 0123456789abcdef\n",
            "{\"token-id\":\"abcdef\",\"token-secret\":\"0123456789abcdef\"}",
            "--from-literal=token-secret=0123456789abcdef",
            "kubeadm join --token 0123456789abcdef",
        ] {
            assert!(!redact(text).contains("0123456789abcdef"), "{}", redact(text));
        }
    }

    #[test]
    fn base64_goes_when_a_secret_is_in_it_and_stays_otherwise() {
        // A token; "token: " and one; the first line of a key.
        let secrets = "YWJjZGVmLjAxMjM0NTY3ODlhYmNkZWY= dG9rZW46IGFiY2RlZi4wMTIzNDU2Nzg5YWJjZGVm key=LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo=";
        assert_eq!(redact(secrets), "******** ******** key=********");
        let kept = "sha256:4e9588cebf2eae777eeee59fe27faf797aa3043bb482e17304d2220f1d2a0d4f /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";
        assert_eq!(redact(kept), kept);
    }

    #[test]
    fn every_key_of_a_line_goes() {
        let text = "a: {client-key-data: TUlJ, b: {client-key-data: TVVJ }} --certificate-key=0a --certificate-key 1b {\"client-key-data\":\"TVdJ\"}";
        let clean = redact(text);
        assert!(["TUlJ", "TVVJ", "0a", "1b", "TVdJ"].iter().all(|secret| !clean.contains(secret)), "{clean}");
        assert_eq!(redact(&clean), clean);
    }

    proptest! {
        #[test]
        fn never_panics_and_no_token_survives(before in "\\PC*", id in "[a-z0-9]{6}", secret in "[a-z0-9]{16}", after in "\\PC*") {
            let text = format!("{before} {id}.{secret} {after}");
            let token = format!(" {id}.{secret} ");
            prop_assert!(!redact(&text).contains(&token));
        }
    }
}
