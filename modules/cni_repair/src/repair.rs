//! What is wrong and what is done about it, as the runner takes it.

use crate::findings::Finding;
use crate::plan::Plan;
use ansible::Diff;

/// The findings and the plan that follows from them.
#[derive(Debug, Clone)]
pub struct Repair {
    /// Causes before their consequences.
    pub findings: Vec<Finding>,
    /// What is done.
    pub plan: Plan,
}

impl ansible::Plan for Repair {
    fn is_empty(&self) -> bool {
        self.plan.steps.is_empty()
    }

    fn in_words(&self) -> String {
        self.plan.describe().join(", ")
    }

    fn diff(&self) -> Vec<Diff> {
        let steps = self.plan.describe();
        let found: Vec<String> = self.findings.iter().map(|f| format!("{}: {}", f.id, f.evidence)).collect();
        if steps.is_empty() { Vec::new() } else { vec![Diff::list("the pod network of this node", &found, &steps)] }
    }
}
