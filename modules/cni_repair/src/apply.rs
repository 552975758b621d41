//! Doing it, then looking again: a repair that did not mend is a failure.

use crate::args::Args;
use crate::findings::findings;
use crate::flannel;
use crate::observe::{Bridged, State, observe};
use crate::plan::{Plan, Step, plan};
use crate::rebuild::{self, Backup};
use ansible::Task;
use anyhow::{Context as _, bail};
use cni_placeholder::handover;
use cri::{Client, NETWORK_READY};
use host::deadline::{Deadline, Look};
use host::files;
use host::links::{self, Hairpin, Link};
use kubeadm::gate;
use std::time::Duration;

/// How often the node is looked at again: the hand-over changes all the rest.
const ROUNDS: usize = 4;

/// A runtime that watches its directory needs less than a second.
const LOADED: Duration = Duration::from_secs(15);

/// Does the plan, and what is found wrong after it. Gives back where state was copied to, if any was cleared.
pub fn apply(
    args: &Args,
    state: &State,
    first: &Plan,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<Option<String>> {
    let mut backup = Backup::new(&args.backup_dir);
    let (mut state, mut current) = (state.clone(), first.clone());
    for _ in 0..ROUNDS {
        for step in &current.steps {
            run(args, &state, step, &mut backup, task, deadline)?;
        }
        state = observe(args, deadline)?;
        let found = findings(&state);
        current = plan(args, &state, &found);
        if current.steps.is_empty() {
            return Ok(backup.made().map(|dir| dir.display().to_string()));
        }
    }
    bail!("mending the pod network: still to be done afterwards: {}", current.describe(&state).join(", "))
}

fn run(
    args: &Args,
    state: &State,
    step: &Step,
    backup: &mut Backup,
    task: &Task,
    deadline: &Deadline,
) -> anyhow::Result<()> {
    match step {
        Step::ReleaseKubelet => {
            let unit = gate::Unit::observe(&args.kubelet_unit, deadline)?;
            gate::release(&unit, deadline)?;
            host::systemd::start(&args.kubelet_unit, deadline)
        }
        Step::HandOver => {
            task.phase("handing over from the placeholder");
            let placeholder = crate::observe::placeholder_args(&args.socket)?;
            handover::apply::apply(&placeholder, &state.handover, deadline, &mut ansible::Steps::default())
        }
        Step::Rebuild { pods, links } => {
            let network = state.network.as_ref().context("recreating pods: there is no network to put them on")?;
            rebuild::rebuild(args, &rebuild::Job { state, network, pods, links }, backup, task, deadline)
        }
        Step::DeleteBridge(bridge) => links::delete(std::slice::from_ref(bridge), deadline),
        Step::AddBridge(name) => links::add_bridge(name, deadline),
        Step::SetUp(name) => links::set_up(&find(name, deadline)?, deadline),
        Step::DeleteAddress(name, address) => links::delete_address(&find(name, deadline)?, *address, deadline),
        Step::AddAddress(name, address) => links::add_address(&find(name, deadline)?, *address, deadline),
        Step::Attach(veth, bridge) => {
            let hairpin = |network: &Bridged| if network.hairpin { Hairpin::On } else { Hairpin::Off };
            let hairpin = state.network.as_ref().map_or(Hairpin::Off, hairpin);
            links::attach(&find(veth, deadline)?, &find(bridge, deadline)?, hairpin, deadline)
        }
        Step::RestartFlannel(pods) => {
            task.phase("restarting flannel");
            flannel::restart(args, pods, &state.ahead, deadline)
        }
        Step::SetAside(paths) => {
            backup.take(paths)?;
            // Where nothing was behind it, the network comes with the next step.
            if state.ahead.no_network { Ok(()) } else { loaded(args, deadline) }
        }
        Step::LinkPlugins(links) => links.iter().try_for_each(|(plugin, link)| files::link(plugin, link).map(drop)),
        Step::Announce(name) => links::announce(&find(name, deadline)?, deadline),
        Step::DeleteLeases(paths) => backup.take(paths),
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
