//! Names that anybody may give to pods, files and mounts mean nothing in the report but themselves.

use super::{conf, healthy, judge, pod};
use crate::{metrics, report};
use cri::SandboxStatus;
use serde_json::json;

const NAME: &str = "a`b|c\n# d\r<script>alert(1)</script>[x](javascript:y)\u{2028}![z](//e)\"}\\| 1";

#[test]
fn hostile_names_make_neither_markup_nor_rows_nor_metrics() {
    let mut facts = healthy();
    facts.machine.hostname = NAME.into();
    facts.machine.kernel = NAME.into();
    facts.cni.confs.push(conf(NAME, &json!({"name": NAME, "plugins": [{"type": NAME}]}).to_string()));
    facts.cni.confs.push(conf("20-x.conflist", NAME));
    facts.storage.filesystems[0].point = NAME.into();
    facts.storage.filesystems[0].path = NAME.into();
    facts.storage.protected.push(NAME.into());
    facts.passed_over.push(NAME.into());
    let named = |status: SandboxStatus| {
        let sandbox = cri::Sandbox { name: NAME.into(), namespace: NAME.into(), ..status.sandbox };
        SandboxStatus { sandbox, ..status }
    };
    facts.runtime.answer.as_mut().unwrap().pods.push(named(pod("p9", "192.168.9.9")));
    let found = judge(&facts);
    assert!(found.iter().any(|f| f.evidence.iter().any(|line| line.contains("<script>"))), "the name is told");
    let text = report::markdown(&facts, &found);
    let own = [
        "# Node ",
        "## ",
        "**",
        "- seen: `",
        "- cause: ",
        "- remedy: ",
        "- mended by: `",
        "- more: [",
        "| ",
        "|---|---|",
    ];
    for line in text.lines() {
        assert!(
            line.is_empty() || own.iter().any(|start| line.starts_with(start)),
            "a line of somebody else's: {line}"
        );
        // What is within a code span is text. Outside of one there is no tag, no link but ours, no column but ours.
        let bare = line.replace("\\\\", "").replace("\\`", "").replace("\\|", "").replace("\\[", "").replace("\\]", "");
        let outside: Vec<&str> = bare.split('`').step_by(2).collect();
        assert!(bare.matches('`').count() % 2 == 0, "a code span that does not end: {line}");
        let outside = outside.concat();
        assert!(!outside.contains('<') && (!outside.contains("](") || outside.starts_with("- more: [")), "{line}");
        assert!(!line.starts_with('|') || bare.matches('|').count() == 3, "another column: {line}");
    }
    let metrics = metrics::text(&found, 1);
    assert!(
        !metrics.contains("script")
            && metrics.lines().all(|line| line.starts_with("# ") || line.starts_with("kubejoin_node_"))
    );
}
