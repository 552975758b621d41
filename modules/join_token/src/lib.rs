//! `join_token`: on a control plane, a short-lived bootstrap token with the other parameters of a join, or none of ours;
//! or the parameters alone, without any token.
//!
//! kubeadm makes the token, so that it stands in no argument list; it comes back only in the result, which the task that
//! runs this must keep from being shown with `no_log: true`. Other people's tokens are neither used nor deleted.

mod apply;
pub mod args;
mod observe;
mod plan;
mod report;
mod signed;

use ansible::{Contract, Done, Module, Outcome, Run, Spec};
use args::Args;
use observe::State;
use plan::Plan;
use std::time::Duration;

/// The API server is on this machine; a minute is for one that is restarting.
const BUDGET: Duration = Duration::from_secs(60);

/// The module.
pub static MODULE: Module = Module::of::<JoinToken>();

struct JoinToken;

/// What was done: the token there is since then, and whether it is new or others of ours are gone.
#[derive(Default)]
struct Given {
    changed: bool,
    token: Option<String>,
}

impl Done for Given {
    fn is_change(&self) -> bool {
        self.changed
    }
}

impl Contract for JoinToken {
    type Args = Args;
    type State = State;
    type Plan = Plan;
    type Done = Given;

    const SPEC: &'static Spec = &args::SPEC;
    const LONG: bool = false;

    fn validate(args: &Args) -> anyhow::Result<()> {
        args.validate()
    }

    fn budget(_: &Args) -> Duration {
        BUDGET
    }

    fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
        observe::observe(args, &run.deadline)
    }

    fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
        Ok(plan::plan(args, &args.limits()?, state))
    }

    fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Given) -> anyhow::Result<()> {
        apply::apply(args, plan, &run.deadline, done)
    }

    fn report(_: &Args, state: &State, plan: &Plan, done: Option<&Given>) -> anyhow::Result<Outcome> {
        let token = done.map_or_else(|| plan.reused(), |done| done.token.clone());
        Ok(report::outcome(state, plan, token))
    }
}
