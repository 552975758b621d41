//! `kubeadm_join_guarded`: joins this node to a cluster, watches the join, and says in one sentence why it failed.
//!
//! The diagnosis decides what happens after a failure, not a counter: see `decide`. A node that is joined and healthy is
//! left alone; one that belongs to another cluster is refused.

mod annotation;
mod apply;
mod approval;
pub mod args;
mod attempt;
mod attempts;
mod bundle;
mod conclude;
mod config_file;
mod decide;
mod journal;
mod leftovers;
mod log;
mod mend;
mod metrics;
mod node;
mod observe;
mod phases;
mod plan;
mod prepare;
mod prove;
mod reach;
mod remedy;
mod report;
mod revert;
mod story;
mod took;
mod watch;
mod work;

use ansible::{Contract, Locks, Module, Outcome, Run, Spec};
use args::Args;
use observe::State;
use std::sync::Arc;
use std::time::Duration;
use story::Story;
use took::Took;
use work::Work;

/// The module.
pub static MODULE: Module = Module::of::<KubeadmJoinGuarded>();

struct KubeadmJoinGuarded;

/// The node, and how long it took to look at it.
struct Seen {
    node: Arc<State>,
    took: Took,
}

impl Contract for KubeadmJoinGuarded {
    type Args = Args;
    type State = Seen;
    type Plan = Work;
    type Done = Story;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn locks(_: &Args) -> anyhow::Result<Locks> {
        Ok(vec![Box::new(kubeadm::lock::take()?)])
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<Seen> {
        let mut took = Took::begin();
        let node = Arc::new(observe::observe(args, &run.deadline)?);
        took.mark("observe");
        Ok(Seen { node, took })
    }

    fn plan(args: &Args, seen: &Seen) -> anyhow::Result<Work> {
        let plan = plan::plan(args, &seen.node)?;
        let diff = report::diff(args, &seen.node, &plan);
        Ok(Work { plan, node: seen.node.clone(), took: seen.took.clone(), diff })
    }

    fn apply(args: &Args, work: Work, run: &Run, story: &mut Story) -> anyhow::Result<()> {
        apply::apply(args, work, run, story)
    }

    fn report(args: &Args, seen: &Seen, work: &Work, story: Option<&Story>) -> anyhow::Result<Outcome> {
        Ok(story.map_or_else(|| report::planned(args, &seen.node, &work.plan), Story::told))
    }
}
