//! `node_packages`: a bare machine becomes one that can join a cluster.
//!
//! What is there is read from files. What is to come is asked of the repositories in a scratch directory, so that a wrong
//! key, a version that is not there and what cannot be installed are told before anything is touched, in check mode as well.
//! Services of new packages do not start: containerd must find a CNI configuration, and that is another module's.

mod address;
mod apply;
mod apt;
pub mod args;
mod choice;
mod dnf;
mod locks;
mod machine;
mod need;
mod observe;
mod offer;
mod one_line;
mod packages;
mod plan;
mod release;
mod report;
mod repository;
mod runtime;
mod scratch;
mod sources;
mod system;
mod transaction;

use ansible::{Contract, Module, Outcome, Run, Spec, Steps};
use args::Args;
use std::time::Duration;

/// The module.
pub static MODULE: Module = Module::of::<NodePackages>();

struct NodePackages;

impl Contract for NodePackages {
    type Args = Args;
    type State = observe::State;
    type Plan = plan::Plan;
    type Done = Steps;

    const SPEC: &'static Spec = &args::SPEC;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(args: &Args) -> Duration {
        args.budget()
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<observe::State> {
        observe::observe(args, run)
    }

    fn plan(args: &Args, state: &observe::State) -> anyhow::Result<plan::Plan> {
        plan::plan(args, state)
    }

    fn apply(_: &Args, plan: plan::Plan, run: &Run, done: &mut Steps) -> anyhow::Result<()> {
        apply::apply(plan, run, done)
    }

    fn report(args: &Args, state: &observe::State, plan: &plan::Plan, done: Option<&Steps>) -> anyhow::Result<Outcome> {
        report::report(args, state, plan, done)
    }
}
