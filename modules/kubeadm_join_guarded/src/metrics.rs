//! What node_exporter's textfile collector reads: the last join's result, class and seconds.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>; the collector wants whole files ending in
//! `.prom`, readable by its own user.

use crate::phases::Phase;
use host::files;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The file's name.
const NAME: &str = "kubejoin_join.prom";

/// The last join.
#[derive(Debug)]
pub struct Join<'a> {
    /// The cause, when it failed.
    pub class: Option<&'a str>,
    /// Everything together.
    pub took: Duration,
    /// How many attempts were made.
    pub attempts: usize,
    /// kubeadm's phases in the last attempt.
    pub phases: &'a [Phase],
}

/// Writes the file. A directory that is not there is an error: nobody would read it.
pub fn write(dir: &str, join: &Join) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    files::write_atomic(Path::new(dir).join(NAME), text(join, now).as_bytes(), 0o644)
}

fn text(join: &Join, now: u64) -> String {
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, values: &[(String, String)]| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP kubejoin_join_{name} {help}\n# TYPE kubejoin_join_{name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "kubejoin_join_{name}{labels} {value}");
        }
    };
    let one = |value: String| vec![(String::new(), value)];
    metric("success", "Whether the last join succeeded.", &one(u8::from(join.class.is_none()).to_string()));
    metric("timestamp_seconds", "When the last join ended.", &one(now.to_string()));
    metric("duration_seconds", "How long the last join took.", &one(format!("{:.3}", join.took.as_secs_f64())));
    metric("attempts", "How many attempts the last join took.", &one(join.attempts.to_string()));
    if let Some(class) = join.class {
        metric("failure", "The class of the last join's failure.", &[(format!("{{class=\"{class}\"}}"), "1".into())]);
    }
    let lengths: Vec<(String, String)> = join
        .phases
        .windows(2)
        .map(|pair| (format!("{{phase=\"{}\"}}", pair[0].name), format!("{:.2}", pair[1].began - pair[0].began)))
        .collect();
    if !lengths.is_empty() {
        metric("phase_seconds", "How long each phase of kubeadm took in the last attempt.", &lengths);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_prometheus_own() {
        let phases = [Phase { name: "preflight", began: 0.5 }, Phase { name: "joined", began: 2.0 }];
        let good = text(&Join { class: None, took: Duration::from_millis(2500), attempts: 1, phases: &phases }, 7);
        assert!(
            good.contains("\nkubejoin_join_success 1\n")
                && good.contains("kubejoin_join_phase_seconds{phase=\"preflight\"} 1.50\n")
        );
        let bad = text(&Join { class: Some("ca_mismatch"), took: Duration::ZERO, attempts: 2, phases: &[] }, 7);
        assert!(
            bad.contains("kubejoin_join_success 0\n")
                && bad.contains("kubejoin_join_failure{class=\"ca_mismatch\"} 1\n")
        );
        for line in good.lines().chain(bad.lines()).filter(|line| !line.starts_with('#')) {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with("kubejoin_join_") && value.parse::<f64>().is_ok(), "{line}");
        }
    }
}
