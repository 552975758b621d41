//! Takes secrets out of a text that is about to be kept or shown: bootstrap tokens, private keys, key data.
//!
//! Whoever knows the exact secret masks that as well; this catches what other programs print of their own accord.

/// What stands where a secret stood.
const MASK: &str = "********";

/// The text without bootstrap tokens, PEM private keys, `…-key-data`, and the value of `--certificate-key`.
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
        let labels = ["key-data:", "key-data\":", "--certificate-key"];
        let clean = labels.into_iter().fold(line.to_owned(), |line, label| value_after(&line, label));
        kept.push_str(&tokens(&clean));
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
