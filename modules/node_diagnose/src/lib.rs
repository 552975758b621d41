//! What is wrong with a node, what it comes from, and what mends it. Read-only.
//!
//! Its plan is what it found: there is nothing to apply. It works when containerd or the API server are down: what cannot
//! be looked at is named and passed over.

pub mod args;
mod finding;
mod judge;
mod kind;
mod kinds;
mod metrics;
mod observe;
mod report;

use ansible::{Contract, Module, Outcome, Run, Spec};
use args::Args;
use finding::Finding;
use observe::Facts;
use std::time::Duration;

/// The module as Ansible runs it.
pub static MODULE: Module = Module::of::<NodeDiagnose>();

struct NodeDiagnose;

/// What is wrong, causes first.
#[derive(Debug, Clone)]
struct Findings(Vec<Finding>);

impl ansible::Plan for Findings {
    // To say what is wrong is all: nothing is done about it here.
    fn is_empty(&self) -> bool {
        true
    }

    fn is_change(&self) -> bool {
        false
    }
}

impl Contract for NodeDiagnose {
    type Args = Args;
    type State = Facts;
    type Plan = Findings;
    type Done = ();

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.timeout()
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Facts> {
        run.phase("looking at the node");
        Ok(observe::observe(args, &run.deadline))
    }

    fn plan(_: &Args, facts: &Facts) -> anyhow::Result<Findings> {
        Ok(Findings(judge::judge(facts)))
    }

    fn apply(_: &Args, _: Findings, _: &Run, _: &mut ()) -> anyhow::Result<()> {
        Ok(())
    }

    fn report(_: &Args, facts: &Facts, findings: &Findings, _: Option<&()>) -> anyhow::Result<Outcome> {
        Ok(report::outcome(facts, &findings.0))
    }
}
