//! Doing it. Whether that was enough is looked at afterwards: see `ROUNDS`.

use crate::args::Args;
use crate::backup::Backup;
use crate::plan::{Plan, Step};
use crate::{flannel, rebuild};
use ansible::{Run, Steps};
use anyhow::Context as _;
use cri::{Client, NETWORK_READY};
use host::deadline::{Deadline, Look};
use host::files;
use host::links::{self, Link};
use kubeadm::gate;
use node::handover;
use node::placeholder::Placeholder;
use std::time::Duration;

/// A runtime that watches its directory needs less than a second.
const LOADED: Duration = Duration::from_secs(15);

/// What was done.
#[derive(Debug, Default)]
pub struct Mended {
    /// In words, in order.
    pub steps: Vec<String>,
    /// What was deleted, copied before: one directory for all rounds.
    pub backup: Option<Backup>,
}

impl ansible::Done for Mended {
    fn is_change(&self) -> bool {
        !self.steps.is_empty()
    }
}

/// Does the steps in order; the first that fails ends it.
pub fn apply(args: &Args, plan: Plan, run: &Run, done: &mut Mended) -> anyhow::Result<()> {
    for step in plan.steps {
        let words = step.describe();
        let backup = done.backup.get_or_insert_with(|| Backup::new(&args.backup_dir));
        perform(args, step, backup, run)?;
        done.steps.extend(words);
    }
    Ok(())
}

fn perform(args: &Args, step: Step, backup: &mut Backup, run: &Run) -> anyhow::Result<()> {
    let deadline = &run.deadline;
    match step {
        Step::ReleaseKubelet => {
            let unit = gate::Unit::observe(&args.kubelet_unit, deadline)?;
            gate::release(&unit, deadline)?;
            host::systemd::start(&args.kubelet_unit, deadline)
        }
        Step::HandOver(plan) => {
            run.phase("handing over from the placeholder");
            handover::apply::apply(&Placeholder::usual(&args.socket), &plan, deadline, &mut Steps::default())
        }
        Step::Rebuild(pods) => rebuild::rebuild(args, &pods, backup, run),
        Step::DeleteBridge(bridge) => links::delete(std::slice::from_ref(bridge.as_ref()), deadline),
        Step::DeleteTunnel(links) => links::delete(&links, deadline),
        Step::AddBridge(name) => links::add_bridge(&name, deadline),
        Step::SetUp(name) => links::set_up(&find(&name, deadline)?, deadline),
        Step::DeleteAddress(name, address) => links::delete_address(&find(&name, deadline)?, address, deadline),
        Step::AddAddress(name, address) => links::add_address(&find(&name, deadline)?, address, deadline),
        Step::Attach(veth, bridge, hairpin) => {
            links::attach(&find(&veth, deadline)?, &find(&bridge, deadline)?, hairpin, deadline)
        }
        Step::RestartFlannel(pods, ahead) => {
            run.phase("restarting flannel");
            flannel::restart(args, &pods, &ahead, deadline)
        }
        Step::SetAside { files, loads } => {
            backup.take(&files)?;
            // Where nothing was behind it, the network comes with the next step.
            if loads { loaded(args, deadline) } else { Ok(()) }
        }
        Step::LinkPlugins(links) => links.iter().try_for_each(|(plugin, link)| files::link(plugin, link).map(drop)),
        Step::Announce(name) => links::announce(&find(&name, deadline)?, deadline),
        Step::DeleteLeases(paths) => backup.take(&paths),
    }
}

/// The link as it is now: one that was made by an earlier step has its number only since then.
fn find(name: &str, deadline: &Deadline) -> anyhow::Result<Link> {
    links::list(deadline)?.into_iter().find(|link| link.name == name).with_context(|| format!("link {name} is gone"))
}

/// Waits until the runtime has noticed which configuration is the first one now.
fn loaded(args: &Args, deadline: &Deadline) -> anyhow::Result<()> {
    deadline.at_most(LOADED).poll(Duration::from_millis(250), "the container runtime to load the real network", || {
        let status = Client::connect(&args.socket, deadline)?.status()?;
        Ok(match status.holds(NETWORK_READY) {
            true => Look::Ready(()),
            false => Look::NotYet(status.last_cni_load_status().unwrap_or("NetworkReady is false").to_owned()),
        })
    })
}
