//! What a unit wrote to the journal, told apart by invocation: a line from before the last start explains nothing that
//! happened after it. As evidence, and for what evidence decides.

use crate::deadline::Deadline;
use crate::process::Program;
use serde_json::Value;
use std::time::SystemTime;

/// What systemd says when a process of a unit has ended although nobody asked it to, or could not be run at all.
const ENDED: [&str; 4] = ["Main process exited", "Failed with result", "Failed at step EXEC", "Failed to execute "];

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    invocation: String,
    /// Said by systemd about the unit, not by the unit's program.
    by_systemd: bool,
    text: String,
}

/// Lines of one unit, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal(Vec<Entry>);

/// The last `lines` lines of a unit, since a moment if one is given.
pub fn read(unit: &str, lines: u32, since: Option<SystemTime>, deadline: &Deadline) -> anyhow::Result<Journal> {
    // To the microsecond: what an attempt before ended with is not this one's.
    let since = since.map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    let fields = "--output-fields=MESSAGE,_PID,_SYSTEMD_INVOCATION_ID,INVOCATION_ID";
    let program = Program::new("journalctl").args(["--no-pager", "--quiet", "--output=json", fields, "--unit", unit]);
    let program = program.args([format!("--lines={lines}")]).args(since.map(|at| format!("--since=@{at:.6}")));
    Ok(parse(&program.run(deadline)?.success()?.stdout_text()))
}

impl Journal {
    /// All lines, without time and host.
    pub fn text(&self) -> String {
        join(self.0.iter())
    }

    /// Only the lines of the invocation that runs, or ran last.
    pub fn current(&self) -> Journal {
        self.of(self.0.last().map(|entry| entry.invocation.clone()))
    }

    /// Only the lines of the last invocation that ended by itself; of the current one where none did. A unit that is
    /// started again and again has, at most moments, an invocation that has not said anything yet.
    pub fn failed(&self) -> Journal {
        let ended = |entry: &&Entry| entry.by_systemd && ENDED.iter().any(|words| entry.text.contains(words));
        match self.0.iter().rev().find(ended) {
            Some(entry) => self.of(Some(entry.invocation.clone())),
            None => self.current(),
        }
    }

    /// Only what the program said itself, the oldest first.
    pub fn of_program(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.0.iter().filter(|entry| !entry.by_systemd).map(|entry| entry.text.as_str())
    }

    /// What a program has said, as lines of one invocation.
    pub fn said(text: &str) -> Self {
        let entry = |line: &str| Entry { invocation: String::new(), by_systemd: false, text: line.to_owned() };
        Journal(text.lines().map(entry).collect())
    }

    fn of(&self, invocation: Option<String>) -> Journal {
        Journal(self.0.iter().filter(|entry| Some(&entry.invocation) == invocation.as_ref()).cloned().collect())
    }
}

fn join<'a>(entries: impl Iterator<Item = &'a Entry>) -> String {
    entries.flat_map(|entry| [entry.text.as_str(), "\n"]).collect()
}

/// One JSON object a line. A message that is no UTF-8 comes as a list of bytes; one of several lines stays several.
fn parse(json: &str) -> Journal {
    let mut entries: Vec<Entry> = Vec::new();
    for object in json.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        let by_systemd = object["_PID"] == "1";
        // systemd speaks of the unit's invocation, a program in its own.
        let named = text(if by_systemd { "INVOCATION_ID" } else { "_SYSTEMD_INVOCATION_ID" });
        let before = entries.last().map(|entry| entry.invocation.clone()).unwrap_or_default();
        let invocation = if named.is_empty() { before } else { named };
        let message = match &object["MESSAGE"] {
            Value::Array(bytes) => {
                let bytes: Vec<u8> = bytes.iter().filter_map(|b| u8::try_from(b.as_u64()?).ok()).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let line = |text: &str| Entry { invocation: invocation.clone(), by_systemd, text: text.to_owned() };
        entries.extend(message.lines().map(line));
    }
    Journal(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(invocation: &str, systemd: bool, message: &str) -> String {
        let (pid, field) = if systemd { ("1", "INVOCATION_ID") } else { ("77", "_SYSTEMD_INVOCATION_ID") };
        serde_json::json!({"MESSAGE": message, "_PID": pid, field: invocation}).to_string() + "\n"
    }

    #[test]
    fn a_line_from_before_the_last_start_is_not_this_invocations() {
        let journal = parse(&(line("a", false, "old") + &line("a", true, "Stopped x") + &line("b", false, "new")));
        assert_eq!((journal.current().text().as_str(), journal.failed().text().as_str()), ("new\n", "new\n"));
        assert_eq!(journal.text(), "old\nStopped x\nnew\n");
    }

    #[test]
    fn a_unit_that_starts_again_and_again_has_failed_in_the_invocation_before() {
        let crash = line("a", false, "boom")
            + &line("a", true, "x.service: Main process exited, code=exited, status=1/FAILURE");
        let journal = parse(&(crash + &line("b", true, "Started x.service")));
        assert_eq!(journal.failed().of_program().collect::<Vec<_>>(), ["boom"]);
        assert_eq!(journal.current().of_program().count(), 0);
    }

    #[test]
    fn bytes_several_lines_and_rubbish_are_read() {
        let bytes = serde_json::json!({"MESSAGE": [104, 105, 255], "_PID": "7"}).to_string();
        let journal = parse(&format!("{bytes}\nrubbish\n{}", line("a", false, "one\ntwo")));
        assert_eq!(journal.text(), "hi\u{fffd}\none\ntwo\n");
        assert_eq!(parse(""), Journal::default());
    }
}
