//! Takes secrets out of an answer, as `AnsibleModule` does for `no_log` options (Ansible itself does not do it for a
//! binary module, and ansible-core 2.19 prints a failed task's `msg` and `warnings` even under `no_log: true`).

use serde_json::Value;

const WHOLE: &str = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER";
const PART: &str = "********";

/// Shorter parts of a secret are words that an answer may hold for another reason.
const TELLING: usize = 12;

/// Masks every secret in `value`, in place. Keys stay as they are; strings, and numbers that contain one, do not.
pub(crate) fn mask(value: &mut Value, secrets: &[String]) {
    let mut ordered: Vec<String> = secrets.iter().filter(|s| !s.is_empty()).flat_map(|s| spellings(s)).collect();
    if ordered.is_empty() {
        return;
    }
    // Longest first, so that a secret that is part of another does not leave the other's rest in sight.
    ordered.sort_unstable_by_key(|s| std::cmp::Reverse(s.len()));
    ordered.dedup();
    walk(value, &ordered.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A secret as other programs write it: whole, its parts alone (the second half of `id.secret` is the secret), and each of
/// these in base64, wherever it stands in what was encoded.
fn spellings(secret: &str) -> Vec<String> {
    let parts = secret.split(['.', ':', ' ', '\n']).filter(|part| part.len() >= TELLING && *part != secret);
    let mut all = vec![secret.to_owned()];
    for word in std::iter::once(secret).filter(|word| word.len() >= TELLING).chain(parts) {
        all.push(word.to_owned());
        all.extend((0..3).flat_map(|shift| base64(word.as_bytes(), shift)));
    }
    all
}

/// The characters that `bytes` has in base64 when `shift` bytes stand before it, in both alphabets: those at both ends that
/// depend on the neighbours are left out.
fn base64(bytes: &[u8], shift: usize) -> [String; 2] {
    let bit = |at: usize| at.checked_sub(shift * 8).map(|at| bytes[at / 8] >> (7 - at % 8) & 1);
    let end = (shift + bytes.len()) * 8;
    let digits = ((shift * 8).div_ceil(6)..end / 6)
        .map(|digit| (0..6).filter_map(|n| bit(digit * 6 + n)).fold(0, |all, bit| all << 1 | bit));
    let text = |last: [char; 2]| {
        digits.clone().map(move |digit: u8| match digit {
            0..26 => char::from(b'A' + digit),
            26..52 => char::from(b'a' + digit - 26),
            52..62 => char::from(b'0' + digit - 52),
            _ => last[usize::from(digit == 63)],
        })
    };
    [text(['+', '/']).collect(), text(['-', '_']).collect()]
}

fn walk(value: &mut Value, secrets: &[&str]) {
    match value {
        Value::String(s) => {
            if secrets.contains(&s.as_str()) {
                *s = WHOLE.into();
            } else {
                for secret in secrets.iter().filter(|x| !WHOLE.contains(**x) && !PART.contains(**x)) {
                    if s.contains(secret) {
                        *s = s.replace(secret, PART);
                    }
                }
            }
        }
        Value::Number(n) => {
            let text = n.to_string();
            if secrets.contains(&text.as_str()) {
                *value = Value::String(WHOLE.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, secrets)),
        Value::Object(map) => map.values_mut().for_each(|v| walk(v, secrets)),
        Value::Null | Value::Bool(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_masked_whole_and_inside_text_and_the_longest_goes_first() {
        let mut value = json!({"a": "s3cret", "b": ["x s3cret.more y", {"s3cret": 7}], "n": 7, "t": true});
        mask(&mut value, &["s3cret".into(), "s3cret.more".into()]);
        assert_eq!(value, json!({"a": WHOLE, "b": ["x ******** y", {"s3cret": 7}], "n": 7, "t": true}));
    }

    #[test]
    fn the_half_that_is_the_secret_goes_alone_and_in_base64_wherever_it_stands() {
        // base64 of "token: abcdef.0123456789abcdef", of the token alone, of "x" and the half, and of "ab" and the half.
        let texts = [
            "refused 0123456789abcdef",
            "abcdef 0123456789abcdef",
            "dG9rZW46IGFiY2RlZi4wMTIzNDU2Nzg5YWJjZGVm",
            "YWJjZGVmLjAxMjM0NTY3ODlhYmNkZWY=",
            "eDAxMjM0NTY3ODlhYmNkZWY=",
            "YWIwMTIzNDU2Nzg5YWJjZGVm",
        ];
        let mut value = json!(texts);
        mask(&mut value, &["abcdef.0123456789abcdef".into()]);
        for text in value.as_array().unwrap() {
            let text = text.as_str().unwrap();
            assert!(text.contains(PART), "{text}");
            assert!(["0123456789", "NDU2Nzg5YWJj", "NTY3ODlhYmNk"].iter().all(|part| !text.contains(part)), "{text}");
        }
        // What merely resembles one of its short parts stays.
        let mut kept = json!("node abcdef has joined");
        mask(&mut kept, &["abcdef.0123456789abcdef".into()]);
        assert_eq!(kept, json!("node abcdef has joined"));
    }

    #[test]
    fn a_number_that_is_the_secret_is_masked() {
        let mut value = json!({"pin": 1234, "port": 12345});
        mask(&mut value, &["1234".into()]);
        assert_eq!(value, json!({"pin": WHOLE, "port": 12345}));
    }
}
