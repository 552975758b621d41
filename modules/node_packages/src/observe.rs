//! What there is, and, when something is to be installed, what the repositories have.

use crate::apt::command::{Apt, Sources};
use crate::apt::{offer as apt_offer, scratch, simulation, sources as apt_sources};
use crate::args::{Args, Containerd, State as Wanted};
use crate::dnf::{offer as dnf_offer, sources as dnf_sources};
use crate::machine::{KUBERNETES, Machine};
use crate::need::{self, Need};
use crate::offer::Offer;
use crate::release::Release;
use crate::repository::{self, Repository};
use crate::scratch::Scratch;
use crate::sources::{File, Off};
use crate::system::System;
use crate::transaction::Simulated;
use ansible::Run;
use host::files;
use node::os::{Family, Layout};

use std::path::{Path, PathBuf};

/// What goes with `state: absent`, as far as it is there.
const OWN: [&str; 5] = ["kubeadm", "kubelet", "kubectl", "cri-tools", "kubernetes-cni"];

/// Everything that the plan is made of.
#[derive(Debug)]
pub struct State {
    /// The machine.
    pub machine: Machine,
    /// The release asked for.
    pub release: Option<Release>,
    /// What it lacks of that.
    pub need: Need,
    /// Sources that are switched off, with the file as it is and as it is to be.
    pub off: Vec<(File, String, Vec<Off>)>,
    /// What is to be installed, when something is.
    pub offer: Option<Offer>,
    /// What a removal would do, when one is asked for.
    pub removal: Simulated,
    /// Files of ours that are there.
    pub own: Vec<(PathBuf, Vec<u8>)>,
    /// Keeps the directory that a removal's plan names.
    _scratch: Option<Scratch>,
    /// The package manager for a removal.
    pub system: Option<System>,
}

/// Looks; refuses what no repository can make right before one is asked.
pub fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
    run.phase("looking at what is installed");
    let machine = Machine::observe(&run.deadline)?;
    let mut state = State {
        release: args.release()?,
        need: Need::default(),
        off: Vec::new(),
        offer: None,
        removal: Simulated::default(),
        own: machine.os.layout().map_or_else(|| Ok(Vec::new()), own_files)?,
        machine,
        _scratch: None,
        system: None,
    };
    // The plan says so.
    if need::supported(&state.machine).is_err() {
        return Ok(state);
    }
    if args.state == Wanted::Absent {
        removal(&mut state, run)?;
        return Ok(state);
    }
    let Some(release) = state.release else { return Ok(state) };
    state.need = need::need(args, &state.machine, release);
    need::refuse(args, &state.machine, release, &state.need)?;
    if !state.need.is_empty() {
        ask(args, &mut state, release, run)?;
    }
    Ok(state)
}

fn ask(args: &Args, state: &mut State, release: Release, run: &Run) -> anyhow::Result<()> {
    let machine = &state.machine;
    let mut repositories: Vec<Repository> = vec![repository::kubernetes(args, release, machine.os.family)?];
    if args.containerd == Containerd::Repository && state.need.containerd {
        repositories.extend(repository::containerd(args, &machine.os)?);
    }
    let mut planned = Vec::new();
    for file in machine.sources.iter().filter(|file| !is_own(&file.path)) {
        let off = match machine.os.family {
            Family::RedHat => dnf_sources::without_kubernetes(file, &repositories[0].address),
            _ => apt_sources::without_kubernetes(file, &repositories[0].address),
        };
        match off {
            None => planned.push(file.clone()),
            Some((text, off)) => {
                planned.push(File { path: file.path.clone(), text: text.clone() });
                state.off.push((file.clone(), text, off));
            }
        }
    }
    let ask = if machine.os.family == Family::RedHat { dnf_offer::ask } else { apt_offer::ask };
    state.offer = Some(ask(args, machine, release, &state.need, repositories, &planned, run)?);
    Ok(())
}

fn removal(state: &mut State, run: &Run) -> anyhow::Result<()> {
    let names: Vec<&str> = OWN.into_iter().filter(|name| state.machine.packages.all.contains_key(*name)).collect();
    if names.is_empty() {
        return Ok(());
    }
    if state.machine.os.family == Family::RedHat {
        let (scratch, dnf, would) = dnf_offer::removal(&names, &state.machine, &run.deadline)?;
        (state._scratch, state.system, state.removal) = (Some(scratch), Some(System::Dnf(dnf)), would);
        return Ok(());
    }
    let scratch = scratch::make()?;
    let apt = Apt::new(scratch.path());
    let mut words = vec!["-s", "--allow-change-held-packages", "remove"];
    words.extend(&names);
    let doing = format!("finding out what removing {} takes", names.join(", "));
    let output = apt.must("apt-get", Sources::Machine, &words, &doing, &run.deadline)?;
    state.removal = simulation::simulated(&output.stdout_text());
    (state._scratch, state.system) = (Some(scratch), Some(System::Apt(apt)));
    Ok(())
}

/// Whether a file is one of ours, by its name.
fn is_own(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kubejoin-"))
}

fn own_files(layout: &Layout) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut found = Vec::new();
    for directory in [layout.sources, layout.keys] {
        for name in files::names(directory)? {
            let path = Path::new(directory).join(name);
            if is_own(&path)
                && let Some(text) = files::read_optional(&path)?
            {
                found.push((path, text));
            }
        }
    }
    Ok(found)
}

/// The packages that are of one version, of which a removal takes none that others need.
pub fn removable(name: &str) -> bool {
    OWN.contains(&name) || KUBERNETES.contains(&name)
}
