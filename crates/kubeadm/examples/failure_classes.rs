//! Writes docs/failure-classes.md: `cargo run -p kubeadm --example failure_classes >docs/failure-classes.md`, as `make docs` does.

use kubeadm::classify::{Action, Place, Row, Weight, Wording, table};
use std::fmt::Write as _;
use std::io::Write as _;

/// The newest release whose words were looked at.
const NEWEST: u8 = 38;
/// The oldest.
const OLDEST: u8 = 22;

const HEAD: &str = "\
<!-- Written by `make docs` from the table of failure classes. -->
# Failure classes

Why a join, or an init, failed: the `failure_class` of its result, one section each, to which the result's `help` leads.
kubeadm's exit status says nearly nothing, so its words decide, with those of the kubelet and the container runtime; the words
were looked at from 1.22 to 1.38. What is wrong with a node that *has* joined is on the page
[troubleshooting](troubleshooting.md).

A result has `explanation` (what it means and what helps), `evidence` (the line that shows it), `next_action` (what is to be
done now) and `retry_safe` (whether the same join may be tried again, once that is done, without asking anybody). A class
marked as a symptom says that something failed, not what: beside any other class, that one is the cause. An init has the same
classes, and is never repeated by itself.

";

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(page().as_bytes())
}

/// The whole page.
fn page() -> String {
    let rows: Vec<&Row> = table().collect();
    let mut sorted = rows.clone();
    sorted.sort_by_key(|row| row.class.name());
    let mut text = HEAD.to_owned();
    text.push_str("| class | who mends it | `next_action` |\n|---|---|---|\n");
    for row in &sorted {
        let _ = writeln!(text, "| [{0}](#{0}) | {1} | `{2}` |", row.class.name(), who(row), row.action.name());
    }
    for row in sorted {
        section(&mut text, row);
    }
    text
}

fn section(text: &mut String, row: &Row) {
    let symptom = match row.weight {
        Weight::Cause => "",
        Weight::Pods => " (It keeps pods from running, not a node from joining.)",
        Weight::Symptom => " (A symptom.)",
        Weight::Unnamed => " (A symptom that names no cause; the evidence is what the program itself said last.)",
    };
    let explanation = capitalised(&row.explanation.replacen(" {}", "", 1));
    let _ = writeln!(text, "\n## {}\n\n{explanation}.{symptom}\n", row.class.name());
    let _ = writeln!(text, "- **Who mends it:** {}", who(row));
    let _ = writeln!(text, "- **What the join does:** {}", done(row));
    let _ = writeln!(text, "- **Then:** {}", then(row));
    if row.wordings.is_empty() {
        text.push_str("- **Known by:** what is seen on the node itself; no wording leads to it.\n");
        return;
    }
    text.push_str("- **Known by** one of these, `…` being whatever stands there:\n\n");
    text.push_str("| who says it | words | releases | known from |\n|---|---|---|---|\n");
    for wording in row.wordings {
        let words = wording.text.replace("{}", "…").replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {} | `{}` | {} | {} |",
            speaker(wording.place),
            words.trim(),
            releases(wording),
            wording.origin.replace('|', "\\|")
        );
    }
}

/// Who mends it, in a word.
fn who(row: &Row) -> String {
    let who = match row.action {
        Action::Stop => return row.mended_by().map_or("you".into(), |module| format!("you, with `{module}`")),
        Action::Retry => "trying again, else you",
        Action::Wait => "time",
        Action::RefreshToken => "the role `worker`, with a new token",
        Action::ResolveNode => "time, or the role `worker` when it may delete the Node",
        Action::FixKernel | Action::RaiseLimits | Action::RestartRuntime | Action::FixKubelet | Action::Clean => {
            "the join"
        }
    };
    who.to_owned()
}

/// What the join does by itself, bounded by its retries and its time.
fn done(row: &Row) -> &'static str {
    if row.weight == Weight::Unnamed {
        return "the attempt is taken back and made once more, no oftener: without a cause, trying again is a guess.";
    }
    match row.action {
        Action::Stop => "nothing: trying again cannot help, so the task fails at once and says so.",
        Action::Retry => {
            "the attempt is taken back and made again after a pause that grows, as often as `max_retries` allows."
        }
        Action::Wait => "nothing but to wait: the joined kubelet or the network add-on gets there by itself.",
        Action::RefreshToken => {
            "the task fails with `refresh_token`; the role `worker` has the control plane make a new short-lived token and joins again."
        }
        Action::FixKernel => {
            "kernel modules are loaded and sysctls set, for now and for the next boot; then again, once."
        }
        Action::RaiseLimits => "the limits of inotify are raised, for now and for the next boot; then again, once.",
        Action::RestartRuntime => "the container runtime is restarted and waited for; then again, twice at most.",
        Action::FixKubelet => "the kubelet's unit is unmasked and given what it needs to start; then again, once.",
        Action::Clean => {
            "what the earlier attempt left is removed: first its credentials, then a gentle reset, then an aggressive one, as far as `cleanup` allows."
        }
        Action::ResolveNode => {
            "with `on_node_conflict: wait` up to two minutes for the Node to become NotReady; with `delete` the role `worker` deletes it, if it is this same machine; with `fail` nothing."
        }
    }
}

/// What whoever called is to do.
fn then(row: &Row) -> String {
    let again = if row.retry_safe {
        "the same join may be run again (`retry_safe`)"
    } else {
        "mend it, then run the join again; nothing repeats it by itself"
    };
    format!("`{}`: {again}.", row.action.name())
}

fn speaker(place: Place) -> &'static str {
    match place {
        Place::Error => "kubeadm's error",
        Place::Preflight => "kubeadm's preflight check",
        Place::Warning => "kubeadm's warning",
        Place::Progress => "kubeadm, while it tries on",
        Place::Discovery => "kubeadm's error, or while it tries on",
        Place::Output => "kubeadm's output",
        Place::Kubelet => "the kubelet's journal",
        Place::Runtime => "the container runtime",
    }
}

/// Which releases of Kubernetes print it; the container runtime's do not follow them.
fn releases(wording: &Wording) -> String {
    match (wording.place, wording.since, wording.until) {
        (Place::Runtime, _, _) | (_, OLDEST, NEWEST) => "all".into(),
        (_, since, NEWEST) => format!("since 1.{since}"),
        (_, OLDEST, until) => format!("up to 1.{until}"),
        (_, since, until) if since == until => format!("1.{since}"),
        (_, since, until) => format!("1.{since} to 1.{until}"),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    // The names of programs keep their small letter.
    if ["kubeadm", "kubelet", "containerd"].iter().any(|name| text.starts_with(name)) {
        return text.to_owned();
    }
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_docs_is_current() {
        let written = include_str!("../../../docs/failure-classes.md");
        assert!(written == page(), "docs/failure-classes.md is not current: run `make docs`");
    }

    #[test]
    fn every_class_has_a_section_and_a_place_in_the_list() {
        let page = page();
        for row in table() {
            assert_eq!(page.matches(&format!("\n## {}\n", row.class.name())).count(), 1, "{:?}", row.class);
            let link = row.help();
            let anchor = link.split_once('#').map(|(_, anchor)| anchor).unwrap_or_default();
            assert!(page.contains(&format!("(#{anchor})")), "{:?}", row.class);
        }
    }

    #[test]
    fn no_wording_breaks_its_cell_or_its_code_span() {
        for wording in table().flat_map(|row| row.wordings) {
            assert!(!wording.text.contains(['`', '\n']) && !wording.origin.contains(['`', '\n']), "{}", wording.text);
        }
        for line in page().lines().filter(|line| line.starts_with("| kube") || line.starts_with("| the ")) {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
        }
    }
}
