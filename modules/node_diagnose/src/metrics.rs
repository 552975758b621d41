//! The findings as metrics in Prometheus' text format, for node_exporter's textfile collector.

use crate::finding::Finding;
use crate::kinds;
use std::fmt::Write;

/// One gauge per kind of finding, 1 when it was found, so that an alert resolves when it is gone; and when it was looked.
pub fn text(findings: &[Finding], now: u64) -> String {
    let mut out = String::from("# HELP kubejoin_node_finding Whether node_diagnose found this to be wrong.\n");
    out.push_str("# TYPE kubejoin_node_finding gauge\n");
    for kind in kinds::table() {
        let found = u8::from(findings.iter().any(|f| f.kind.code == kind.code));
        // Writing to a String cannot fail. Codes and severities need no escaping.
        let severity = kind.severity.name();
        let _ = writeln!(out, "kubejoin_node_finding{{code=\"{}\",severity=\"{severity}\"}} {found}", kind.code);
    }
    out.push_str("# HELP kubejoin_node_diagnose_time_seconds When the node was looked at.\n");
    out.push_str("# TYPE kubejoin_node_diagnose_time_seconds gauge\n");
    let _ = writeln!(out, "kubejoin_node_diagnose_time_seconds {now}");
    out
}
