//! The evidence of a failed join in one file: for a human who was not there, bounded, and without secrets.

use crate::args::Args;
use crate::attempt::Attempt;
use crate::journal::{journal, tail};
use crate::observe::{State, UNIT};
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use kubeadm::classify::Finding;
use kubeadm::program;
use kubeadm::redact::redact;
use kubeadm::time::stamp;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How many bundles are kept.
const KEEP: usize = 5;
/// How their names begin.
const PREFIX: &str = "evidence-";
/// How many bytes of each text are kept, from its end.
const TEXT: usize = 32 * 1024;
/// How long collecting may take altogether.
const LIMIT: Duration = Duration::from_secs(15);
/// What else is worth a look: program and arguments, none of which changes anything.
const QUESTIONS: [(&str, &[&str]); 6] = [
    ("unit", &["systemctl", "cat", "--no-pager", "--", UNIT]),
    ("unit_state", &["systemctl", "status", "--no-pager", "--lines=0", "--", UNIT]),
    ("addresses", &["ip", "-brief", "address"]),
    ("routes", &["ip", "route"]),
    ("space", &["df", "-h", "/var/lib/kubelet", "/var/lib/containerd", "/run"]),
    ("modules", &["lsmod"]),
];

/// Writes the bundle, deletes the oldest beyond [`KEEP`], and gives back its path.
pub fn write(
    args: &Args,
    state: &State,
    finding: &Finding,
    attempts: &[Attempt],
    checks: &Value,
) -> anyhow::Result<String> {
    let deadline = Deadline::after(LIMIT);
    let bundle = json!({
        "node": state.node_name,
        "time": stamp(SystemTime::now()),
        "kubeadm": state.kubeadm.map(|version| version.to_string()),
        "endpoint": crate::report::target(args),
        "failure_class": finding.class().name(),
        "explanation": finding.row.explanation,
        "evidence": finding.evidence,
        "attempts": attempts.iter().map(attempt).collect::<Vec<_>>(),
        "prerequisites": checks,
        "runtime": runtime(args, &deadline),
        "runtime_journal": bounded(&journal(cri::unit(&args.cri_socket), Some(hour_ago()), &deadline).text()),
        "questions": QUESTIONS.iter().map(|(name, words)| ((*name).to_owned(), json!(ask(words, &deadline)))).collect::<serde_json::Map<_, _>>(),
        "files": listing(),
    });
    files::make_dir(&args.log_path, 0o700)?;
    let path = Path::new(&args.log_path).join(format!("{PREFIX}{}.json", stamp(SystemTime::now())));
    files::write_atomic(&path, redact(&format!("{bundle:#}\n")).as_bytes(), 0o600)?;
    crate::log::rotate(&args.log_path, PREFIX, KEEP)?;
    Ok(path.display().to_string())
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "seconds": crate::phases::round(attempt.seconds),
        "exit_status": attempt.exit,
        "phases": attempt.phases,
        "classes": attempt.findings.iter().map(|finding| finding.class().name()).collect::<Vec<_>>(),
        "stdout": bounded(&attempt.stdout),
        "stderr": bounded(&attempt.stderr),
        "kubelet_journal": bounded(&attempt.journal),
    })
}

fn runtime(args: &Args, deadline: &Deadline) -> Value {
    match cri::Client::connect(&args.cri_socket, deadline)
        .and_then(|mut client| Ok((client.version().clone(), client.status()?)))
    {
        Ok((version, status)) => json!({
            "version": format!("{} {}", version.runtime_name, version.runtime_version),
            "conditions": status.conditions.iter().map(|c| format!("{} {} {} {}", c.kind, c.ok, c.reason, c.message)).collect::<Vec<_>>(),
            "cni_load_status": status.last_cni_load_status(),
            "network": status.network().map(|network| network.name),
        }),
        Err(e) => json!({"error": e.to_string()}),
    }
}

fn ask(words: &[&str], deadline: &Deadline) -> String {
    let Some((name, args)) = words.split_first() else { return String::new() };
    let ran = Program::new(name)
        .args(args)
        .env("PATH", program::search_path())
        .run(&deadline.at_most(Duration::from_secs(5)));
    bounded(&ran.map(|output| output.stdout_text()).unwrap_or_else(|e| format!("{e:#}")))
}

/// Names only: what is in these files may be secret.
fn listing() -> Value {
    let dirs = [
        "/etc/kubernetes",
        "/etc/kubernetes/pki",
        "/etc/kubernetes/manifests",
        "/var/lib/kubelet",
        "/var/lib/kubelet/pki",
        "/etc/cni/net.d",
        "/run/flannel",
    ];
    let names = |dir: &str| {
        let names = files::names(dir).unwrap_or_default();
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    dirs.iter().map(|dir| ((*dir).to_owned(), json!(names(dir)))).collect::<serde_json::Map<_, _>>().into()
}

/// The end of a text, at most [`TEXT`] bytes and 400 lines of it.
pub fn bounded(text: &str) -> String {
    let start = text.len().saturating_sub(TEXT);
    let start = (start..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    tail(&text[start..], 400)
}

fn hour_ago() -> SystemTime {
    SystemTime::now().checked_sub(Duration::from_secs(3600)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_beginning_and_at_a_character() {
        let text = "ž".repeat(TEXT);
        let cut = bounded(&text);
        assert!(cut.len() <= TEXT && text.ends_with(&cut));
    }
}
