//! Gives and takes. The record comes first and is cut down last: a run that is cut off leaves nothing that is not in it.

use crate::args::Args;
use crate::observe::{RECORD, Record};
use crate::plan::{Change, Plan};
use ansible::Steps;
use anyhow::Context as _;
use host::deadline::Deadline;
use kubeadm::kubectl::Kubectl;
use kubeadm::patience::patiently;

/// Does it, a Node after the other.
pub fn apply(args: &Args, plan: &Plan, deadline: &Deadline, done: &mut Steps) -> anyhow::Result<()> {
    let kubectl = Kubectl::new(&args.kubeconfig);
    for change in &plan.0 {
        one(&kubectl, change, deadline, done).with_context(|| format!("labels and taints of Node {}", change.name))?;
    }
    Ok(())
}

fn one(kubectl: &Kubectl, change: &Change, deadline: &Deadline, done: &mut Steps) -> anyhow::Result<()> {
    let call = |verb: &str, words: &[String]| -> anyhow::Result<()> {
        let mut all = vec![verb, "node", &change.name, "--overwrite"];
        all.extend(words.iter().map(String::as_str));
        patiently(deadline, |limit| kubectl.run(&all, "", limit)?.success()).map(drop)
    };
    let record = |record: &Record| {
        let word = if record.is_empty() { format!("{RECORD}-") } else { format!("{RECORD}={}", record.text()) };
        call("annotate", &[word])
    };
    if change.recorded {
        record(&change.before)?;
    }
    for (verb, words) in [("label", &change.labels), ("taint", &change.taints)] {
        if !words.is_empty() {
            call(verb, words)?;
        }
    }
    if change.before != change.after {
        record(&change.after)?;
    }
    done.did(format!("Node {} has {}", change.name, change.words().join(", ")));
    Ok(())
}
