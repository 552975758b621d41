//! A finding: one thing that is wrong, seen with evidence.
//!
//! What each kind means and what helps is one table, [`crate::kinds`]; its order is the order of causes, and a kind names
//! the kinds that explain it. The primary cause is the first critical finding that no other finding explains.

use crate::kind::{Kind, Severity};
use crate::kinds;
use node::code::Code;
use serde_json::{Value, json};

/// One thing that was seen.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What it is.
    pub kind: &'static Kind,
    /// What was seen, one line each.
    pub evidence: Vec<String>,
    /// Its cause, when more is known than the table says.
    pub cause: Option<String>,
    /// What to do, when more is known than the table says.
    pub remedy: Option<String>,
    /// Only a person can mend this one, whatever the table says of its kind.
    pub by_hand: bool,
}

impl Finding {
    /// A finding of the kind with that code; empty evidence is left away.
    pub fn new(code: Code, evidence: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let evidence =
            evidence.into_iter().map(|line| one_line(&line.into())).filter(|line| !line.is_empty()).collect();
        Finding { kind: kinds::kind(code), evidence, cause: None, remedy: None, by_hand: false }
    }

    /// The same, with a cause of its own.
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The same, with a remedy of its own.
    pub fn mended_so(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same, which only a person can mend, with what that person has to do.
    pub fn by_hand(mut self, remedy: impl Into<String>) -> Self {
        self.by_hand = true;
        self.mended_so(remedy)
    }

    /// What mends it by itself: a module of this collection, or nothing.
    pub fn mended_by(&self) -> Option<&'static str> {
        self.kind.mended_by.filter(|_| !self.by_hand)
    }

    /// The cause to show.
    pub fn cause(&self) -> &str {
        self.cause.as_deref().unwrap_or(self.kind.cause)
    }

    /// The remedy to show.
    pub fn remedy(&self) -> &str {
        self.remedy.as_deref().unwrap_or(self.kind.remedy)
    }

    /// What is wrong and what helps; in between what this node says of it, where it says more than the table.
    pub fn sentence(&self) -> String {
        let own = self.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{}: {}{own}; {}", self.kind.code, self.kind.title, self.remedy())
    }

    /// Where the documentation speaks of it.
    pub fn link(&self) -> String {
        format!("docs/troubleshooting.md#{}", self.kind.code)
    }

    /// For the result.
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.kind.code, "severity": self.kind.severity, "title": self.kind.title,
            "evidence": self.evidence, "cause": self.cause(), "remedy": self.remedy(),
            "mended_by": self.mended_by(), "link": self.link(),
        })
    }
}

/// All findings in the order of causes, each kind once with all its evidence.
pub fn ordered(findings: Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in findings {
        match all.iter_mut().find(|f| std::ptr::eq(f.kind, finding.kind)) {
            Some(same) => {
                same.evidence.extend(finding.evidence);
                same.cause = same.cause.take().or(finding.cause);
                same.remedy = same.remedy.take().or(finding.remedy);
                same.by_hand |= finding.by_hand;
            }
            None => all.push(finding),
        }
    }
    all.sort_by_key(|f| (f.kind.severity, kinds::rank(f.kind.code)));
    all
}

/// The finding to act upon first: the first one, in the order of causes, that no other one explains. None on a healthy
/// node, which may have something to plan for.
pub fn primary(findings: &[Finding]) -> Option<&Finding> {
    let there = |code: &Code| findings.iter().any(|f| f.kind.code == *code);
    let wrong = || findings.iter().filter(|f| f.kind.severity < Severity::Notice);
    wrong().find(|f| !f.kind.explained_by.iter().any(there)).or(wrong().next())
}

/// What there is to plan for.
pub fn notices(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|f| f.kind.severity == Severity::Notice)
}

/// Evidence comes from files, programs and the network: one line of printable text, bounded.
pub(crate) fn one_line(text: &str) -> String {
    let clean = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect::<Vec<_>>();
    ansible::printable(&clean.join(" ")).chars().take(400).collect()
}
