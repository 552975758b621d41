//! What went wrong, read from what kubeadm, the kubelet and the container runtime said.
//!
//! Exit codes do not classify a kubeadm failure (1.22 answers 1 to nearly everything, later releases to everything),
//! so the text does: one table of rows ([`rows`]), each wording with the versions that print it and where that is
//! known from. Everything here is pure. It refuses to guess: a text without a known wording yields no finding.

mod lines;
mod pattern;
mod rows;

pub use rows::{Action, OUT_OF_TIME, Place, Row, UNKNOWN, Wording, row, table, wordless};

/// The longest evidence line that is handed on, in characters.
const EVIDENCE_CHARS: usize = 500;

/// What is known about one failed attempt. Each text is whatever was captured; empty when nothing was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    /// kubeadm's standard output and standard error, in any order.
    pub kubeadm: &'a str,
    /// The kubelet's journal since the attempt began.
    pub kubelet: &'a str,
    /// The container runtime's journal since the attempt began, and CRI error messages.
    pub runtime: &'a str,
}

/// One recognised line.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The row it belongs to.
    pub row: &'static Row,
    /// The line itself, without control characters and cut to a bound. Not yet redacted.
    pub evidence: String,
    /// What the wording's gaps held, in order.
    pub captures: Vec<String>,
}

impl Finding {
    /// A fault that was found without a text, by its class; an unknown class is a finding all the same.
    pub fn of(class: &str, seen: &str) -> Self {
        Finding { row: row(class).unwrap_or(&UNKNOWN), evidence: evidence(seen), captures: Vec::new() }
    }

    /// Whether it is said on a node that is well, too, and passes: then it is nobody's cause.
    pub fn is_normal(&self) -> bool {
        self.row.symptom && self.row.action == Action::Wait
    }
}

/// Every class recognised in the texts, the one to act upon first; each class once, with its first line.
///
/// The order is: causes that nothing on this node can mend, then causes that something can, then mere symptoms
/// (a time-out says that something failed, not what).
pub fn classify(texts: &Texts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut add = |place: Place, line: &str| {
        for row in table() {
            if findings.iter().any(|finding| finding.row.class == row.class) {
                continue;
            }
            if let Some(captures) = matching(row, place, line) {
                findings.push(Finding { row, evidence: evidence(line), captures });
            }
        }
    };
    for (place, line) in lines::kubeadm(texts.kubeadm) {
        add(place, line);
    }
    for line in lines::journal(texts.kubelet) {
        add(Place::Kubelet, line);
    }
    for line in lines::journal(texts.runtime) {
        add(Place::Runtime, line);
    }
    // Stable: within one rank the order of appearance stays.
    findings.sort_by_key(|finding| rank(finding.row));
    findings
}

/// The row's captures when one of its wordings for this place is in the line.
pub fn matching(row: &Row, place: Place, line: &str) -> Option<Vec<String>> {
    row.wordings
        .iter()
        .filter(|wording| wording.place == place)
        .find_map(|wording| pattern::find(line, wording.text))
        .map(|captures| captures.into_iter().map(evidence).collect())
}

/// Lower is acted upon first.
fn rank(row: &Row) -> u8 {
    match (row.symptom, row.action) {
        (false, Action::Stop) => 0,
        (false, _) => 1,
        (true, _) => 2,
    }
}

/// The line as it may be shown: no control characters, bounded.
fn evidence(line: &str) -> String {
    let clean: String = line.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match clean.char_indices().nth(EVIDENCE_CHARS) {
        Some((cut, _)) => format!("{}…", &clean[..cut]),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(kubeadm: &str) -> Vec<&'static str> {
        let texts = Texts { kubeadm, ..Texts::default() };
        classify(&texts).iter().map(|finding| finding.row.class).collect()
    }

    #[test]
    fn what_cannot_be_mended_here_comes_before_what_can() {
        let text = "error execution phase preflight: [preflight] Some fatal errors occurred:\n\
                    \t[ERROR Port-10250]: Port 10250 is in use\n\
                    \t[ERROR FileExisting-conntrack]: conntrack not found in system path\n";
        assert_eq!(classes(text), ["program_missing", "port_in_use"]);
    }

    #[test]
    fn a_warning_with_an_errors_text_is_no_failure() {
        assert!(classes("\t[WARNING Port-10250]: Port 10250 is in use\n").is_empty());
    }

    #[test]
    fn evidence_is_bounded_and_has_no_control_characters() {
        let line = format!("error execution phase x: \u{1b}[31m{}", "é".repeat(3000));
        let shown = evidence(&line);
        assert!(shown.chars().count() <= EVIDENCE_CHARS + 1);
        assert!(!shown.chars().any(char::is_control));
    }

    #[test]
    fn what_a_healthy_kubelet_says_too_is_no_cause() {
        let kubelet = "failed to load Kubelet config file /var/lib/kubelet/config.yaml, error failed to read kubelet config file \
                       \"/var/lib/kubelet/config.yaml\", error: open /var/lib/kubelet/config.yaml: no such file or directory";
        let found = classify(&Texts { kubelet, ..Texts::default() });
        assert!(found.len() == 1 && found[0].is_normal());
        assert!(!Finding::of("unknown", "").is_normal() && !Finding::of("ca_hash_mismatch", "").is_normal());
    }
}
