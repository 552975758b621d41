//! The log of each attempt: for root only, without secrets, and only so many of them.

use crate::attempt::Attempt;
use crate::decide::Tried;
use host::files;
use kubeadm::time::stamp;
use std::fmt::Write;
use std::path::Path;
use std::time::SystemTime;

/// How many are kept.
const KEEP: usize = 20;
/// How their names begin.
const PREFIX: &str = "join-";

/// Writes one attempt's log and deletes the oldest beyond [`KEEP`]. Gives back its path.
pub fn write(dir: &str, node: &str, number: usize, attempt: &Attempt, tried: Option<&Tried>) -> anyhow::Result<String> {
    files::make_dir(dir, 0o700)?;
    let path = Path::new(dir).join(format!("{PREFIX}{}-{number}.log", stamp(SystemTime::now())));
    files::write_atomic(&path, text(node, number, attempt, tried).as_bytes(), 0o600)?;
    rotate(dir, PREFIX, KEEP)?;
    Ok(path.display().to_string())
}

/// Deletes the oldest files with this prefix beyond `keep`; their names sort by time.
pub fn rotate(dir: &str, prefix: &str, keep: usize) -> anyhow::Result<()> {
    let names = files::names(dir)?;
    let ours: Vec<_> = names.iter().filter(|name| name.to_string_lossy().starts_with(prefix)).collect();
    for name in ours.iter().take(ours.len().saturating_sub(keep)) {
        files::delete_file(Path::new(dir).join(name))?;
    }
    Ok(())
}

fn text(node: &str, number: usize, attempt: &Attempt, tried: Option<&Tried>) -> String {
    let mut text = String::new();
    let verdict = tried.map_or("joined", |tried| tried.row.class.name());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "node {node}, attempt {number}: {verdict} after {:.1} s", attempt.seconds);
    for finding in &attempt.findings {
        let _ = writeln!(text, "{}: {}\n    {}", finding.class().name(), finding.explanation(), finding.evidence);
    }
    for phase in &attempt.phases {
        let _ = writeln!(text, "{:8.1} s {}", phase.began, phase.name);
    }
    for (name, part) in
        [("stdout", &attempt.stdout), ("stderr", &attempt.stderr), ("kubelet journal", &attempt.journal)]
    {
        let _ = writeln!(text, "\n--- {name}\n{}", part.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn attempt() -> Attempt {
        Attempt {
            seconds: 1.0,
            phases: vec![],
            stdout: "out".into(),
            stderr: "err".into(),
            exit: Some(1),
            findings: vec![],
            steps: vec![],
            journal: String::new(),
        }
    }

    #[test]
    fn logs_are_for_root_only_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let logs = dir.path().join("logs");
        let logs = logs.to_str().unwrap();
        for number in 0..KEEP + 5 {
            write(logs, "w1", 100 + number, &attempt(), None).unwrap();
        }
        let names = files::names(logs).unwrap();
        assert_eq!(names.len(), KEEP);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(Path::new(logs)), mode(&Path::new(logs).join(&names[0]))), (0o700, 0o600));
        assert!(names.iter().any(|name| name.to_string_lossy().ends_with("-124.log")));
    }
}
