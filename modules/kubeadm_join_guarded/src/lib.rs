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

use ansible::{Module, Outcome, Params, Task};
use args::Args;
use host::deadline::Deadline;
use plan::Plan;
use story::Story;
use took::Took;

/// The module.
pub static MODULE: Module = Module { spec: &args::SPEC, run };

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args: Args = params.parse()?;
    args.validate()?;
    let deadline = Deadline::after(args.budget());
    let mut took = Took::begin();
    let state = observe::observe(&args, &deadline)?;
    took.mark("observe");
    let plan = plan::plan(&args, &state)?;
    let outcome = report::planned(&args, &state, &plan);
    if task.check_mode || plan == Plan::Nothing {
        return Ok(outcome);
    }
    apply::apply(&args, &state, &plan, Story::new(outcome, took), task, &deadline)
}
