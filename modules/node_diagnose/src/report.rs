//! The answer, and in it the report that a person reads: Markdown, true and short, the primary cause first.

use crate::finding::{Finding, notices, one_line, primary};
use crate::judge::size;
use crate::metrics;
use crate::observe::Facts;
use ansible::Outcome;
use std::fmt::Write;
use std::time::UNIX_EPOCH;

/// The answer.
pub fn outcome(facts: &Facts, findings: &[Finding]) -> Outcome {
    let first = primary(findings);
    let now = facts.machine.now.and_then(|now| now.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
    let msg = match first {
        None => std::iter::once("nothing is wrong with this node".to_owned())
            .chain(notices(findings).map(|notice| format!("to plan for: {}", notice.kind.title)))
            .collect::<Vec<_>>()
            .join("; "),
        Some(first) => first.sentence(),
    };
    Outcome::new()
        .msg(msg)
        .field("healthy", first.is_none())
        .field("joined", facts.joined())
        .field("primary_cause", first.map(Finding::to_json))
        .field("findings", findings.iter().map(Finding::to_json).collect::<Vec<_>>())
        .field("passed_over", &facts.passed_over)
        .field("seen", seen(facts))
        .field("report", markdown(facts, findings))
        .field("metrics", metrics::text(findings, now))
}

/// Renders the report.
pub(crate) fn markdown(facts: &Facts, findings: &[Finding]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = summary(&mut text, facts, findings);
    let _ = details(&mut text, findings);
    let _ = looked_at(&mut text, facts);
    text
}

/// Text among Markdown: names of files, mounts and networks are anybody's, and mean nothing here but themselves. One line.
fn plain(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '|' | '*' | '[' | ']' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// A row of a table.
fn row(out: &mut String, name: &str, value: &str) -> std::fmt::Result {
    writeln!(out, "| {} | {} |", plain(name), plain(value))
}

fn summary(out: &mut String, facts: &Facts, findings: &[Finding]) -> std::fmt::Result {
    writeln!(out, "# Node {}\n", plain(&facts.machine.hostname))?;
    let state = if facts.joined() { "joined" } else { "not joined to a cluster" };
    match primary(findings) {
        None => writeln!(out, "**Healthy**: nothing is wrong with this node ({state}).\n"),
        Some(first) => {
            writeln!(out, "**Primary cause**: {} (`{}`)", first.kind.title, first.kind.code)?;
            writeln!(out, "**What it comes from**: {}", plain(first.cause()))?;
            writeln!(out, "**What helps**: {}", plain(first.remedy()))?;
            writeln!(out, "**State**: {state}, {} findings\n", findings.len())
        }
    }
}

fn details(out: &mut String, findings: &[Finding]) -> std::fmt::Result {
    for finding in findings {
        let severity = finding.kind.severity.name();
        writeln!(out, "## {} ({severity}): {}\n", finding.kind.code, finding.kind.title)?;
        for line in &finding.evidence {
            // One line already; within a code span only its end means anything.
            writeln!(out, "- seen: `{}`", line.replace('`', "'"))?;
        }
        writeln!(out, "- cause: {}", plain(finding.cause()))?;
        writeln!(out, "- remedy: {}", plain(finding.remedy()))?;
        if let Some(module) = finding.mended_by() {
            writeln!(out, "- mended by: `{module}`")?;
        }
        writeln!(out, "- more: [{}]({})\n", finding.kind.code, finding.link())?;
    }
    Ok(())
}

fn looked_at(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## What was looked at\n")?;
    writeln!(out, "| | |\n|---|---|")?;
    seen(facts).iter().try_for_each(|(name, value)| row(out, name, value))
}

/// What was looked at: its name, and what was found; each one line.
fn seen(facts: &Facts) -> Vec<(String, String)> {
    let mut rows = vec![("kernel".to_owned(), facts.machine.kernel.clone())];
    let mut add = |name: &str, value: String| rows.push((one_line(name), one_line(&value)));
    match &facts.runtime.answer {
        Ok(answer) => {
            let version = &answer.version;
            add("containerd", format!("{} over CRI {}", version.runtime_version, version.api));
            add("pod network in force", answer.status.network().map_or_else(|| "none".to_owned(), |n| n.name));
            add("pods", answer.pods.len().to_string());
        }
        Err(error) => add("containerd", error.to_string()),
    }
    let process = &facts.kubelet.process;
    add("kubelet", format!("{} ({})", process.active, process.sub));
    for conf in &facts.cni.confs {
        let what = match &conf.network {
            Ok(network) => format!("{}: {}", network.name, network.types().join(", ")),
            Err(why) => why.clone(),
        };
        add(&conf.path.display().to_string(), what);
    }
    for filesystem in &facts.storage.filesystems {
        let space = match &filesystem.space {
            Ok(s) => {
                format!("{}, {} of {} free, {}", filesystem.kind, size(s.available), size(s.bytes), filesystem.point)
            }
            Err(why) => why.clone(),
        };
        add(&filesystem.path, space);
    }
    facts.storage.protected.iter().for_each(|line| add("protected", line.clone()));
    facts.passed_over.iter().for_each(|line| add("not looked at", line.clone()));
    rows
}
