//! The change, through kubeadm.

use crate::Given;
use crate::args::Args;
use crate::observe::ask;
use crate::plan::Plan;
use crate::signed;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::redact::redact;

/// Does it. A token that nobody signs is not given: no node can use it.
pub fn apply(args: &Args, plan: Plan, deadline: &Deadline, done: &mut Given) -> anyhow::Result<()> {
    match plan {
        Plan::Reuse(token) => {
            signed::wait(args, token.id(), deadline)?;
            done.token = Some(token.text);
        }
        Plan::Create => {
            let token = create(args, deadline)?;
            let id = token.split('.').next().unwrap_or_default();
            // Nobody can use it: it is not left behind for half an hour.
            signed::wait(args, id, deadline).inspect_err(|_| drop(ask(args, &["delete", id], deadline)))?;
            *done = Given { changed: true, token: Some(token) };
        }
        Plan::Delete(ids) => {
            for id in ids {
                // The id is no secret; kubeadm takes it alone.
                ask(args, &["delete", &id], deadline).context("deleting a bootstrap token")?;
                done.changed = true;
            }
        }
        Plan::Look => {}
    }
    Ok(())
}

/// kubeadm draws the token and prints it, alone on its line.
fn create(args: &Args, deadline: &Deadline) -> anyhow::Result<String> {
    let words = ["create", "--ttl", &args.ttl, "--description", &args.description];
    // Asked again after an answer that was lost, there is one token more than needed: it ends with its ttl.
    let output = ask(args, &words, deadline).context("creating a bootstrap token")?.stdout_text();
    // Whatever redaction takes away is the token; warnings on other lines are not.
    let line = output.lines().map(str::trim).find(|line| !line.is_empty() && redact(line) != *line);
    line.map(str::to_owned).context("creating a bootstrap token: kubeadm printed none")
}
