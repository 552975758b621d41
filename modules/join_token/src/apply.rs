//! The change, through kubeadm.

use crate::args::Args;
use crate::observe::token;
use crate::plan::Plan;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::redact::redact;

/// Does it, and gives back the token there is afterwards.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline) -> anyhow::Result<Option<String>> {
    match plan {
        Plan::Reuse(token) => Ok(Some(token.text.clone())),
        Plan::Create => create(args, deadline).map(Some),
        Plan::Delete(ids) => {
            for id in ids {
                // The id is no secret; kubeadm takes it alone.
                token(args, &["delete", id]).run(deadline)?.success().context("deleting a bootstrap token")?;
            }
            Ok(None)
        }
    }
}

/// kubeadm draws the token and prints it, alone on its line.
fn create(args: &Args, deadline: &Deadline) -> anyhow::Result<String> {
    let words = ["create", "--ttl", &args.ttl, "--description", &args.description];
    let output = token(args, &words).run(deadline)?.success().context("creating a bootstrap token")?.stdout_text();
    // Whatever redaction takes away is the token; warnings on other lines are not.
    let line = output.lines().map(str::trim).find(|line| !line.is_empty() && redact(line) != *line);
    line.map(str::to_owned).context("creating a bootstrap token: kubeadm printed none")
}
