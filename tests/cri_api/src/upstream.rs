//! Messages as upstream's definitions encode them, recorded by `record.py`, in which each value says which field it is.

use prost::Message;

const RECORDED: &str = include_str!("../data/upstream.txt");

/// The recorded bytes of `name` (`runtime.v1.Mount`), every field set.
///
/// # Panics
/// When nothing of that name was recorded.
pub fn bytes(name: &str) -> Vec<u8> {
    let hex = RECORDED.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = hex.unwrap_or_else(|| panic!("{name} is not recorded: run tests/cri_api/record.py"));
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    hex.as_bytes().chunks(2).map(|pair| byte(pair).expect("hexadecimal digits")).collect()
}

/// The recorded `name` as a `T`, whose every field has been seen to hold the value recorded for that field.
///
/// # Panics
/// When a field of `T` has a number or a type that upstream's has not.
pub fn read<T: Message + Default + std::fmt::Debug>(name: &str) -> T {
    let message = T::decode(bytes(name).as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let again = T::decode(message.encode_to_vec().as_slice()).map(|again| format!("{again:?}"));
    let shown = format!("{message:?}");
    assert_eq!(again.as_ref(), Ok(&shown), "{name} is not written as it is read");
    if let Some(wrong) = wrong_field(&shown) {
        panic!("{name}: field {wrong} is not upstream's, in {shown}");
    }
    message
}

/// The first field in a message's Debug form with a value that is not its own.
fn wrong_field(shown: &str) -> Option<String> {
    let mut field = String::new();
    let empty = ["None", "[]", "{}", "false", "\"\""].iter().find(|nothing| shown.contains(**nothing));
    if let Some(nothing) = empty {
        let before = shown.split(nothing).next().unwrap_or_default();
        return Some(before.rsplit([' ', '(']).nth(1).unwrap_or(before).trim_end_matches(':').to_owned());
    }
    let separators = |c: char| " ,(){}[]".contains(c);
    for word in shown.split(separators).filter(|word| !word.is_empty()) {
        let (name, value) = (word.trim_end_matches(':').trim_start_matches("r#"), word.trim_matches('"'));
        let quoted = word.starts_with('"');
        if word.ends_with(':') && !quoted {
            name.clone_into(&mut field);
        } else if quoted && value.trim_end_matches("\":") != field {
            return Some(field);
        } else if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
            let sum: u32 = field.bytes().map(u32::from).sum();
            if word != sum.to_string() {
                return Some(field);
            }
        }
    }
    None
}
