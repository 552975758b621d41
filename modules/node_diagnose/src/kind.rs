//! What a kind of finding is: the row of the table [`crate::kinds`].

use node::code::Code;
use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The node cannot join, or its pods cannot run or reach each other.
    Critical,
    /// It works now, and will not after the next change, restart or reset.
    Warning,
    /// Nothing is wrong; there is something to plan for, with a date. A node with nothing else is healthy.
    Notice,
}

impl Severity {
    /// The name in results.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        }
    }
}

/// One kind of finding.
#[derive(Debug)]
pub struct Kind {
    /// Its name in results, and its section in docs/troubleshooting.md.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, in a few words.
    pub title: &'static str,
    /// What that means and mostly comes from.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// What does it by itself: a module of this collection, or nothing.
    pub mended_by: Option<&'static str>,
    /// Kinds that explain this one: beside any of them it is a consequence.
    pub explained_by: &'static [Code],
}
