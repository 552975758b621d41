//! The plan, done: mends of a joined node, or a join between opening the kubelet's gate and taking it away.

use crate::args::Args;
use crate::attempts::{self, Ended};
use crate::conclude::Joined;
use crate::leftovers;
use crate::observe::{State, UNIT};
use crate::plan::Plan;
use crate::revert::{self, revert};
use crate::story::Story;
use crate::work::Work;
use crate::{config_file, mend, node, prepare, prove, reach, report};
use ansible::Run;
use host::deadline::Deadline;
use host::files;
use kubeadm::classify::{Class, Finding};
use kubeadm::gate;
use std::time::SystemTime;

/// Does what the plan says, and proves it.
pub fn apply(args: &Args, work: Work, run: &Run, story: &mut Story) -> anyhow::Result<()> {
    let (state, deadline) = (work.node.as_ref(), &run.deadline);
    story.begin(report::planned(args, state, &work.plan), work.took);
    match &work.plan {
        Plan::Nothing => Ok(()),
        Plan::Mend(steps) => {
            let since = SystemTime::now();
            story.steps.extend(mend::all(steps, args, state, deadline)?);
            let proof = prove::prove(deadline)
                .and_then(|proof| prove::registered(&state.kubelet_name, deadline).map(|()| proof));
            match proof {
                Ok(proof) => {
                    story.finish(args, state, proof, "is mended and healthy");
                    Ok(())
                }
                Err(finding) => Err(story.fail(args, state, mend::cause(finding, since, deadline))),
            }
        }
        Plan::Join { leftovers } => {
            // Before anything is touched: the join may lack its token.
            args.discovery()?;
            join(args, state, *leftovers, run, story)
        }
    }
}

fn join(args: &Args, state: &State, leftovers: bool, run: &Run, story: &mut Story) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    // A run that was killed may have left its configuration, with the token in it.
    files::delete_file(config_file::path())?;
    // What has expired is still all that this node has: it is removed only for a cluster that can be reached.
    if state.expired().is_some()
        && let Some(finding) = reach::pointless(args, deadline)
    {
        return Err(story.fail(args, state, finding));
    }
    let was_running = state.unit.running();
    let _abort = ansible::on_abort(move || revert(None, was_running));
    // They need no gate, and systemd takes its time to read its units anew.
    let asked = prepare::ask(args, deadline);
    open(state, leftovers, deadline, story).inspect_err(|_| revert(None, was_running))?;
    story.took.mark("gate");
    run.phase("prerequisites");
    let prepared = prepare::prepare(args, asked, deadline);
    story.outcome.set("prerequisites", &prepared.complaints);
    story.steps.extend(prepared.steps);
    prepared.warnings.into_iter().for_each(|warning| story.outcome.warn(warning));
    story.took.mark("prerequisites");
    match attempts::all(args, state, was_running, &|name| run.phase(name), deadline, story) {
        Ok(Joined { proof, lifted, seen }) => {
            story.steps.extend(lifted?);
            if seen["exists"] == false {
                let words = format!("the kubelet runs, and the cluster has no Node {}", state.node_name);
                return Err(story.fail(args, state, Finding::of(Class::NodeNotRegistered, &words)));
            }
            node::complaints(&seen).into_iter().for_each(|words| story.outcome.warn(words));
            story.outcome.set("node", seen);
            story.finish(args, state, proof, "has joined");
            Ok(())
        }
        Err(Ended { finding, keep: true }) => {
            gate::lift(UNIT, &Deadline::after(revert::BUDGET))?;
            Err(story.fail(args, state, finding))
        }
        Err(Ended { finding, keep: false }) => {
            let failure = story.fail(args, state, finding);
            revert(None, was_running);
            Err(failure)
        }
    }
}

/// The kubelet may start from now on, once it is configured.
fn open(state: &State, leftovers: bool, deadline: &Deadline, story: &mut Story) -> anyhow::Result<()> {
    if leftovers {
        let removed = leftovers::remove_credentials(deadline)?;
        story.steps.extend(removed.into_iter().map(|path| format!("removed {path}")));
    }
    story.steps.extend(leftovers::remove_deserted_network(deadline)?);
    gate::open_for_join(&state.unit, deadline)
}
