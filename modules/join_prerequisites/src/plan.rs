//! What is well and what is not, and what of that is mended. Pure.

use crate::args::Args;
use ansible::Diff;
use prerequisites::checks::{self, Check};
use prerequisites::fix::Fix;
use prerequisites::observe::Facts;

/// The checks, and what is mended.
#[derive(Debug, Clone)]
pub struct Plan {
    /// As they are before anything is mended.
    pub checks: Vec<Check>,
    /// None unless that was asked for.
    pub fixes: Vec<Fix>,
    node_name: String,
}

/// Decides.
pub fn plan(args: &Args, facts: &Facts) -> Plan {
    let checks = checks::all(&args.join, facts);
    let fixes = if args.fix { checks::fixes(&checks) } else { Vec::new() };
    Plan { checks, fixes, node_name: facts.node_name.clone() }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.fixes.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        if self.fixes.is_empty() {
            return Vec::new();
        }
        let words: String = self.fixes.iter().map(|fix| format!("{}\n", fix.words())).collect();
        vec![Diff::new(&self.node_name, "", words)]
    }
}
