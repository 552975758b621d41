//! What went wrong, read from what kubeadm, the kubelet and the container runtime said.
//!
//! Exit codes do not classify a kubeadm failure (1.22 answers 1 to nearly everything, later releases to everything),
//! so the text does: one table of rows ([`rows`]), each wording with the versions that print it and where that is
//! known from. Everything here is pure. It refuses to guess: a text without a known wording yields no finding.

mod class;
mod lines;
mod pattern;
mod row;
mod rows;

pub use class::Class;
pub(crate) use lines::is_klog;
pub use row::{Action, Place, Row, Severity, Weight, Wording};
pub use rows::table;

/// The longest evidence line that is handed on, in characters.
const EVIDENCE_CHARS: usize = 500;

/// What is known about one failed attempt. Each text is whatever was captured; empty when nothing was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Texts<'a> {
    /// kubeadm's standard output and standard error, in any order.
    pub kubeadm: &'a str,
    /// The kubelet's journal, of the invocation that matters (see `crate::journal`).
    pub kubelet: &'a str,
    /// The container runtime's journal of this invocation, and CRI error messages.
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
    /// A fault that was found without a text.
    pub fn of(class: Class, seen: &str) -> Self {
        Finding { row: class.row(), evidence: evidence(seen), captures: Vec::new() }
    }

    /// Its class.
    pub fn class(&self) -> Class {
        self.row.class
    }

    /// What it means and what helps, with what the text names in its place.
    pub fn explanation(&self) -> String {
        match self.captures.first() {
            Some(name) if !name.is_empty() => self.row.explanation.replacen("{}", name, 1),
            _ => self.row.explanation.replacen(" {}", "", 1),
        }
    }

    /// Whether it is said on a node that is well, too, and passes: then it is nobody's cause.
    pub fn is_normal(&self) -> bool {
        self.row.severity() == Severity::Warning
    }

    /// With the last words of the program that ended, where its class says nothing of the cause: they are the evidence.
    pub fn with_last_words(mut self, program: &str, words: Option<&str>) -> Self {
        let Some(words) = words.filter(|_| self.lacks_words()) else { return self };
        self.evidence = match self.row.class {
            Class::KubeletCrashing => evidence(words),
            _ if self.evidence.contains(words) => self.evidence,
            _ => evidence(&format!("{}; {program} said last: {words}", self.evidence)),
        };
        self
    }

    /// Whether what the program itself said tells more than this does.
    fn lacks_words(&self) -> bool {
        self.row.weight == Weight::Unnamed
            || matches!(self.row.class, Class::RuntimeDown | Class::RuntimeNotReady | Class::KubeletNotStartable)
    }
}

/// Every class recognised in the texts, the one to act upon first; each class once.
///
/// The order is: causes that kubeadm itself names, causes in the journals, what keeps pods from running, then mere
/// symptoms (a time-out says that something failed, not what); within each, what nothing on this node can mend comes
/// first. kubeadm's text is read from its beginning, a journal from its end: the newest match is the evidence.
pub fn classify(texts: &Texts) -> Vec<Finding> {
    let mut findings: Vec<(Source, Finding)> = Vec::new();
    let mut add = |source: Source, place: Place, line: &str| {
        let plain = lines::plain(line);
        for row in table() {
            if findings.iter().any(|(_, finding)| finding.row.class == row.class) {
                continue;
            }
            if let Some(captures) = find(row, place, &plain) {
                findings.push((source, Finding { row, evidence: evidence(line), captures }));
            }
        }
    };
    for (place, line) in lines::kubeadm(texts.kubeadm) {
        add(Source::Kubeadm, place, line);
    }
    for line in lines::newest_first(texts.kubelet) {
        add(Source::Journal, Place::Kubelet, line);
    }
    for line in lines::newest_first(texts.runtime) {
        add(Source::Journal, Place::Runtime, line);
    }
    let there: Vec<Class> = findings.iter().map(|(_, finding)| finding.row.class).collect();
    let explained = |row: &Row| row.explained_by.iter().any(|class| there.contains(class));
    // Stable: within one rank the order of appearance stays.
    findings.sort_by_key(|(source, finding)| if explained(finding.row) { 6 } else { rank(*source, finding.row) });
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// Who said it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Kubeadm,
    Journal,
}

/// The row's captures when one of its wordings for this place is in the line, however often its quotes are escaped.
pub fn matching(row: &Row, place: Place, line: &str) -> Option<Vec<String>> {
    find(row, place, &lines::plain(line))
}

fn find(row: &Row, place: Place, plain: &str) -> Option<Vec<String>> {
    row.wordings
        .iter()
        .filter(|wording| wording.place.takes(place))
        .find_map(|wording| pattern::find(plain, wording.text))
        .map(|captures| captures.into_iter().map(evidence).collect())
}

/// Lower is acted upon first.
fn rank(source: Source, row: &Row) -> u8 {
    let movable = u8::from(row.action != Action::Stop);
    match (row.weight, source) {
        (Weight::Cause, Source::Kubeadm) => movable,
        (Weight::Cause, Source::Journal) => 2 + movable,
        (Weight::Pods, _) => 4 + movable,
        (Weight::Symptom, _) => 6,
        (Weight::Unnamed, _) => 7,
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
        classify(&texts).iter().map(|finding| finding.row.class.name()).collect()
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
        assert!(!Finding::of(Class::Unknown, "").is_normal() && !Finding::of(Class::CaMismatch, "").is_normal());
    }

    #[test]
    fn the_newest_line_of_a_journal_is_the_evidence_however_often_its_quotes_are_escaped() {
        let line = |image: &str| {
            format!(
                "E1126 pod_workers.go:1300] \"Error syncing pod\" err=\"failed to \\\"CreatePodSandbox\\\": failed to get sandbox image \\\\\\\"{image}\\\\\\\": failed to pull image\""
            )
        };
        let kubelet = format!("{}\n{}\n", line("old/pause:1"), line("new/pause:2"));
        let found = classify(&Texts { kubelet: &kubelet, ..Texts::default() });
        assert_eq!((found.len(), found[0].class()), (1, Class::SandboxImageMissing));
        assert_eq!(found[0].captures, ["new/pause:2"]);
        assert!(found[0].explanation().contains("sandbox (pause) image new/pause:2: "), "{}", found[0].explanation());
        assert!(Finding::of(Class::SandboxImageMissing, "").explanation().contains("sandbox (pause) image: "));
    }

    #[test]
    fn what_kubeadm_names_goes_before_what_a_journal_says() {
        let kubeadm = "error execution phase preflight: couldn't validate the identity of the API Server: could not find a JWS signature in the cluster-info ConfigMap for token ID \"abcdef\"\n";
        let runtime = "level=error msg=\"RunPodSandbox failed\" error=\"failed to get sandbox image \\\"x\\\": failed to pull image\"";
        let found = classify(&Texts { kubeadm, kubelet: "", runtime });
        assert_eq!(
            found.iter().map(Finding::class).collect::<Vec<_>>(),
            [Class::TokenUnknown, Class::SandboxImageMissing]
        );
    }

    #[test]
    fn the_programs_last_words_stand_where_a_class_says_nothing() {
        let with = |class, seen: &str, words| Finding::of(class, seen).with_last_words("kubelet", words).evidence;
        let words = "E1126 run.go:74] \"command failed\" err=\"boom\"";
        assert_eq!(with(Class::KubeletCrashing, "Main process exited", Some(words)), words);
        assert_eq!(with(Class::KubeletUnhealthy, "refused", Some("boom")), "refused; kubelet said last: boom");
        assert_eq!(with(Class::SwapOn, "swap", Some(words)), "swap");
        assert_eq!(with(Class::KubeletCrashing, "exited", None), "exited");
    }
}
