//! The report a person reads: Markdown, true and short, the primary cause first.

use crate::finding::{Finding, primary};
use crate::judge::size;
use crate::observe::Facts;
use std::fmt::Write;

/// Renders it.
pub fn markdown(facts: &Facts, findings: &[Finding]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = summary(&mut text, facts, findings);
    let _ = details(&mut text, findings);
    let _ = seen(&mut text, facts);
    text
}

fn summary(out: &mut String, facts: &Facts, findings: &[Finding]) -> std::fmt::Result {
    writeln!(out, "# Node {}\n", facts.machine.hostname)?;
    let state = if facts.joined() { "joined" } else { "not joined to a cluster" };
    match primary(findings) {
        None => writeln!(out, "**Healthy**: nothing is wrong with this node ({state}).\n"),
        Some(first) => {
            writeln!(out, "**Primary cause**: {} (`{}`)", first.kind.title, first.kind.code)?;
            writeln!(out, "**What it comes from**: {}", first.cause())?;
            writeln!(out, "**What helps**: {}", first.remedy())?;
            writeln!(out, "**State**: {state}, {} findings\n", findings.len())
        }
    }
}

fn details(out: &mut String, findings: &[Finding]) -> std::fmt::Result {
    for finding in findings {
        let severity = finding.kind.severity.name();
        writeln!(out, "## {} ({severity}): {}\n", finding.kind.code, finding.kind.title)?;
        for line in &finding.evidence {
            writeln!(out, "- seen: `{}`", line.replace('`', "'"))?;
        }
        writeln!(out, "- cause: {}", finding.cause())?;
        writeln!(out, "- remedy: {}", finding.remedy())?;
        if let Some(module) = finding.kind.mended_by {
            writeln!(out, "- mended by: `{module}`")?;
        }
        writeln!(out, "- more: [{}]({})\n", finding.kind.code, finding.link())?;
    }
    Ok(())
}

fn seen(out: &mut String, facts: &Facts) -> std::fmt::Result {
    writeln!(out, "## What was looked at\n")?;
    writeln!(out, "| | |\n|---|---|")?;
    writeln!(out, "| kernel | {} |", facts.machine.kernel)?;
    match &facts.runtime.answer {
        Ok(answer) => {
            let version = &answer.version;
            writeln!(out, "| containerd | {} over CRI {} |", version.runtime_version, version.api)?;
            let network = answer.status.network().map_or_else(|| "none".to_owned(), |n| n.name);
            writeln!(out, "| pod network in force | {network} |")?;
            writeln!(out, "| pods | {} |", answer.pods.len())?;
        }
        Err(error) => writeln!(out, "| containerd | {error} |")?,
    }
    let process = &facts.kubelet.process;
    writeln!(out, "| kubelet | {} ({}) |", process.active, process.sub)?;
    for conf in &facts.cni.confs {
        let what = match &conf.network {
            Ok(network) => format!("{}: {}", network.name, network.types().join(", ")),
            Err(why) => why.clone(),
        };
        writeln!(out, "| {} | {what} |", conf.path.display())?;
    }
    for filesystem in &facts.storage.filesystems {
        let space = match &filesystem.space {
            Ok(s) => {
                format!("{}, {} of {} free, {}", filesystem.kind, size(s.available), size(s.bytes), filesystem.point)
            }
            Err(why) => why.clone(),
        };
        writeln!(out, "| {} | {space} |", filesystem.path)?;
    }
    for line in &facts.storage.protected {
        writeln!(out, "| protected | {line} |")?;
    }
    for line in &facts.passed_over {
        writeln!(out, "| not looked at | {} |", line.replace('|', "/"))?;
    }
    Ok(())
}
