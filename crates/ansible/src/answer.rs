//! The one line on stdout.
//!
//! Everything outside ASCII is escaped: Ansible splits the output at every Unicode line end, so a raw U+2028 or U+0085
//! inside a string fails the task (measured on ansible-core 2.15 and 2.19). Nothing goes to stderr: without pipelining
//! ssh merges it into the answer.

use crate::envelope::Envelope;
use crate::mask::mask;
use crate::outcome::{Failure, Outcome};
use crate::printable::{printable, printable_lines};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

static ANSWERED: AtomicBool = AtomicBool::new(false);

/// What every answer of this run has in common.
#[derive(Debug, Default, Clone)]
pub(crate) struct Frame {
    pub(crate) echo: Map<String, Value>,
    pub(crate) secrets: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) show_diff: bool,
    pub(crate) no_invocation: bool,
    pub(crate) tell_secrets: bool,
}

impl Frame {
    pub(crate) fn new(envelope: &Envelope) -> Self {
        Frame {
            show_diff: envelope.diff,
            no_invocation: envelope.no_invocation,
            tell_secrets: envelope.tell_secrets,
            ..Frame::default()
        }
    }

    /// The JSON of a finished task.
    pub(crate) fn success(&self, outcome: Outcome) -> Value {
        let mut answer = Map::new();
        answer.insert("changed".into(), json!(outcome.changed));
        self.finish(answer, outcome)
    }

    /// The JSON of a failed task. `unreachable` is never said: Ansible would drop the host.
    pub(crate) fn failure(&self, error: anyhow::Error) -> Value {
        let failure = match error.downcast::<Failure>() {
            Ok(failure) => failure,
            Err(error) => Failure::new(format!("{error:#}")),
        };
        let mut answer = Map::new();
        answer.insert("failed".into(), json!(true));
        answer.insert("changed".into(), json!(failure.changed));
        answer.insert("msg".into(), json!(&failure.msg));
        self.finish(answer, failure.into_outcome())
    }

    fn finish(&self, mut answer: Map<String, Value>, outcome: Outcome) -> Value {
        let Outcome { fields, diff, warnings, secrets, .. } = outcome;
        for (key, value) in fields {
            answer.entry(key).or_insert(value);
        }
        if self.show_diff && !diff.is_empty() {
            answer.insert("diff".into(), json!(diff));
        }
        let warnings: Vec<String> = self.warnings.iter().cloned().chain(warnings).collect();
        if !warnings.is_empty() {
            answer.insert("warnings".into(), json!(warnings));
        }
        if !self.no_invocation {
            answer.insert("invocation".into(), json!({"module_args": self.echo}));
        }
        let mut answer = Value::Object(answer);
        mask(&mut answer, &self.secrets);
        for key in SENTENCES {
            if let Some(text) = answer.get_mut(key) {
                show(text, &|text| printable(text).into_owned());
            }
        }
        if let Some(diff) = answer.get_mut("diff") {
            show(diff, &|text| printable_lines(text).into_owned());
        }
        let new: Vec<String> =
            self.secrets.iter().chain(&secrets).filter(|one| one.len() >= TELLING).cloned().collect();
        if self.tell_secrets && !new.is_empty() {
            answer[NEW_SECRETS] = json!(new);
        }
        answer
    }
}

/// Where `AnsibleModule` of core 2.22 says what core has to mask. Only for our action plugin, which takes it out: an older core
/// would show it in a warning about a key that it does not know.
pub(crate) const NEW_SECRETS: &str = "_ansible_new_secrets";
/// Fewer characters stand in too many places that are no secret.
const TELLING: usize = 8;

/// What Ansible, or the collection's callback, writes on a terminal as it stands: sentences for people, each one line. Other
/// fields are data, and stay what they are.
const SENTENCES: [&str; 4] = ["msg", "warnings", "explanation", "evidence"];

/// Makes every string in `value` what `by` makes of it.
fn show(value: &mut Value, by: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = by(text),
        Value::Array(items) => items.iter_mut().for_each(|item| show(item, by)),
        Value::Object(map) => map.values_mut().for_each(|item| show(item, by)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Prints the answer, the first time it is called; a signal or a panic during the answer adds nothing.
pub(crate) fn give(answer: &Value) {
    if ANSWERED.swap(true, Ordering::SeqCst) {
        return;
    }
    let mut out = std::io::stdout().lock();
    // A reader that is gone cannot be told so: there is nobody left to hear it.
    let _ = out.write_all(line(answer).as_bytes()).and_then(|()| out.flush());
}

/// One line of ASCII with its line end.
pub(crate) fn line(answer: &Value) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Ascii);
    let written = answer.serialize(&mut serializer);
    match (written, String::from_utf8(bytes)) {
        (Ok(()), Ok(text)) => text + "\n",
        _ => "{\"failed\": true, \"msg\": \"the answer could not be written as JSON\"}\n".to_owned(),
    }
}

struct Ascii;

impl serde_json::ser::Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> std::io::Result<()> {
        for c in fragment.chars() {
            if c.is_ascii() && c != '\x7f' {
                writer.write_all(&[c as u8])?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_one_line_of_ascii_that_reads_back_the_same() {
        let value = json!({"msg": "líne\u{2028}two\u{85}\u{1F600}\n", "path": "/srv/média"});
        let text = line(&value);
        assert!(text.is_ascii() && text.matches('\n').count() == 1 && text.ends_with('\n'), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_failure_keeps_its_fields_and_masks_secrets_everywhere() {
        let frame = Frame {
            echo: Map::from_iter([("token".into(), json!("abc"))]),
            secrets: vec!["abc".into()],
            ..Frame::default()
        };
        let error = anyhow::Error::new(
            Failure::new("joining with abc: refused").field("failure_class", "api_refused").field("failed", false),
        );
        let answer = frame.failure(error);
        assert_eq!(answer["failed"], json!(true));
        assert_eq!(
            (&answer["msg"], &answer["failure_class"]),
            (&json!("joining with ********: refused"), &json!("api_refused"))
        );
        assert_ne!(answer["invocation"]["module_args"]["token"], json!("abc"));
    }

    #[test]
    fn a_plain_error_is_one_line_with_its_causes() {
        let error = anyhow::anyhow!("EROFS").context("writing /etc/crictl.yaml");
        assert_eq!(Frame::default().failure(error)["msg"], json!("writing /etc/crictl.yaml: EROFS"));
    }

    #[test]
    fn names_write_no_lines_of_their_own() {
        let name = "/srv/x\u{1b}[1A\r\nok: [w1] => nothing is wrong";
        let shown = "/srv/x\\x1b[1A\\r\\nok: [w1] => nothing is wrong";
        let frame = Frame { show_diff: true, warnings: vec![name.into()], ..Frame::default() };
        let diff = crate::Diff::list(name, &[], &[format!("delete {name}")]);
        let outcome = Outcome::new().msg(name).field("kept", [name]).field("evidence", [name]).diff([diff]);
        let answer = frame.success(outcome);
        let of_a_failure = frame.failure(Failure::new(name).field("explanation", name).into());
        for text in [
            &answer["msg"],
            &answer["warnings"][0],
            &answer["evidence"][0],
            &of_a_failure["msg"],
            &of_a_failure["explanation"],
        ] {
            assert_eq!(text, shown);
        }
        assert_eq!(answer["diff"][0]["after"], format!("delete {shown}\n"));
        assert!(!answer["diff"][0]["after_header"].as_str().unwrap().contains('\u{1b}'));
        assert_eq!(answer["kept"][0], name, "data is what it is");
    }

    #[test]
    fn the_diff_is_answered_only_when_it_was_asked_for() {
        let outcome = Outcome::new().changed(true).diff([crate::Diff::new("/x", "a\n", "b\n")]);
        assert!(Frame::default().success(outcome.clone()).get("diff").is_none());
        let frame = Frame { show_diff: true, ..Frame::default() };
        assert_eq!(frame.success(outcome)["diff"][0]["after"], json!("b\n"));
    }
}
