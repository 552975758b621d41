//! The line of containerd's journal that says why it does not start.

use host::deadline::Deadline;
use host::process::Program;
use std::time::{Duration, SystemTime};

/// The line that the unit wrote since then, cleaned up; `None` when the journal cannot be read or says nothing of use. It
/// takes no more than 5 s, which are not the task's: the answer is worth them even when the budget is spent.
pub fn answer(unit: &str, since: SystemTime) -> Option<String> {
    let since = since.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let since = format!("@{}.{:06}", since.as_secs(), since.subsec_micros());
    let args = ["--no-pager", "--quiet", "--output=cat", "--lines=200", "--since", &since, "--unit", unit];
    let output = Program::new("journalctl").args(args).run(&Deadline::after(Duration::from_secs(5))).ok()?;
    pick(&output.success().ok()?.stdout_text())
}

/// The last of the most telling kind: a fatal end, CRI's own plugin failing, any error.
pub fn pick(journal: &str) -> Option<String> {
    let lines: Vec<&str> = journal.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let last = |test: &dyn Fn(&str) -> bool| lines.iter().rev().find(|l| test(l)).copied();
    let of_cri = |l: &str| l.contains("failed to load plugin") && l.contains("cri");
    last(&|l| l.starts_with("containerd: ") || l.contains("level=fatal"))
        .or_else(|| last(&of_cri))
        .or_else(|| last(&|l| l.contains("level=error")))
        .map(words)
}

/// `time="…" level=… msg="M" error="E"` as `M: E`; anything else as it is.
fn words(line: &str) -> String {
    let field = |name: &str| {
        let start = line.find(&format!("{name}=\""))? + name.len() + 2;
        let mut out = String::new();
        let mut chars = line[start..].chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => out.extend(chars.next().map(|c| if c == 'n' { ' ' } else { c })),
                c => out.push(c),
            }
        }
        Some(out)
    };
    let text = match (field("msg"), field(" error").or_else(|| field("error"))) {
        (Some(msg), Some(error)) => format!("{msg}: {error}"),
        (Some(msg), None) => msg,
        _ => line.to_owned(),
    };
    text.chars().take(600).collect()
}

#[cfg(test)]
mod tests {
    use super::pick;

    #[test]
    fn the_fatal_line_is_the_answer() {
        let journal = "time=\"x\" level=error msg=\"something else\"\ncontainerd: failed to load TOML: /etc/containerd/config.toml: (2, 5): cannot have multiple equals for the same key\ncontainerd.service: Main process exited\n";
        assert!(pick(journal).unwrap().starts_with("containerd: failed to load TOML: "));
    }

    #[test]
    fn a_cri_plugin_that_does_not_load_is_the_answer() {
        let journal = r#"time="2026-11-21T00:00:00Z" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="invalid plugin config: `default_runtime_name` is \"x\"""#;
        assert_eq!(
            pick(journal).unwrap(),
            "failed to load plugin io.containerd.grpc.v1.cri: invalid plugin config: `default_runtime_name` is \"x\""
        );
    }

    #[test]
    fn a_quiet_journal_has_no_answer() {
        assert_eq!(pick("Started containerd.service\n"), None);
    }
}
