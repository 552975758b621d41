//! What to do. Pure: the plan after it is empty.

use crate::apt::policy::Policy;
use crate::args::{Args, Containerd, State as Wanted};
use crate::machine::KUBERNETES;
use crate::need;
use crate::observe::{State, removable};
use crate::offer::{self, Offer};
use crate::sources::{Off, Why};
use crate::system::{self, System};
use crate::transaction::Coming;
use ansible::Diff;
use anyhow::{bail, ensure};
use kubeadm::version::Version;
use node::os::Family;
use std::path::{Path, PathBuf};

/// A file before and after; none is one that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path.
    pub path: PathBuf,
    /// What it says.
    pub before: Option<Vec<u8>>,
    /// What it is to say.
    pub after: Option<Vec<u8>>,
}

/// Everything that is done, in this order.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// dpkg was interrupted and is to finish.
    pub finish: bool,
    /// Sources and keys.
    pub files: Vec<Change>,
    /// What that is, in words.
    pub off: Vec<Off>,
    /// What apt-get is asked to install; empty for nothing.
    pub install: Vec<String>,
    /// What comes with that.
    pub coming: Vec<Coming>,
    /// What apt-get is asked to remove.
    pub remove: Vec<String>,
    /// The packages that have to be there afterwards, each with its version if that was chosen.
    pub proof: Vec<(String, Option<String>)>,
    /// containerd and CNI plugins are among them.
    pub containerd: bool,
    /// See above.
    pub plugins: bool,
    /// The version that kubeadm has to tell of itself.
    pub kubernetes: Option<Version>,
    /// To be held back from upgrades.
    pub hold: Vec<String>,
    /// To be upgraded with all others.
    pub free: Vec<String>,
    /// A policy of ours that a killed run has left.
    pub left_over: bool,
    /// Whose policy there is.
    pub theirs: bool,
    /// The package manager, with the lists that were looked at.
    pub system: Option<System>,
}

/// Decides.
pub fn plan(args: &Args, state: &State) -> anyhow::Result<Plan> {
    let machine = &state.machine;
    let mut plan = Plan { theirs: machine.policy == Policy::Theirs, ..Plan::default() };
    plan.left_over = machine.policy == Policy::LeftOver;
    if args.state == Wanted::Absent {
        return absent(state, plan);
    }
    if state.release.is_none() {
        return Ok(plan);
    }
    need::supported(machine)?;
    // What somebody else's package is broken in is no concern of a run that has nothing to install.
    plan.finish = machine.packages.interrupted && state.offer.is_some();
    let mut packaged: Vec<&str> =
        KUBERNETES.into_iter().filter(|name| machine.packages.all.contains_key(*name)).collect();
    if let Some(offer) = &state.offer {
        let removed = offer.would.going.iter().filter(|name| {
            !(args.containerd == Containerd::Repository && matches!(name.as_str(), "containerd" | "runc"))
        });
        let removed: Vec<&str> = removed.map(String::as_str).collect();
        ensure!(
            removed.is_empty(),
            "installing {} would remove {}, which nobody has asked for: remove it first, or choose another source",
            offer.choice.names().join(", "),
            removed.join(", ")
        );
        install(&mut plan, state, offer, args.hold);
        let chosen = offer.choice.names();
        packaged.extend(KUBERNETES.into_iter().filter(|name| chosen.contains(name)));
        packaged.extend(chosen.contains(&"containerd.io").then_some("containerd.io"));
    }
    // Of dnf's it is the source that holds back, which is written above.
    if machine.os.family == Family::RedHat {
        return Ok(plan);
    }
    packaged.sort_unstable();
    packaged.dedup();
    // A package that apt replaces is held back no longer, whatever it was before (apt 2.6, run).
    let replaced: Vec<&str> = state.offer.iter().flat_map(|offer| offer.choice.names()).collect();
    let held = |name: &&str| machine.packages.held(name) && !replaced.contains(name);
    let (now, not): (Vec<&str>, Vec<&str>) = packaged.into_iter().partition(held);
    let wanted = if args.hold { &mut plan.hold } else { &mut plan.free };
    wanted.extend(if args.hold { not } else { now }.into_iter().map(str::to_owned));
    Ok(plan)
}

fn install(plan: &mut Plan, state: &State, offer: &Offer, hold: bool) {
    plan.install = system::install_words(state.machine.os.family, &offer.choice.packages, offer.choice.downgrade);
    plan.proof.clone_from(&offer.choice.packages);
    (plan.containerd, plan.plugins) = (state.need.containerd, state.need.plugins);
    plan.kubernetes = offer.choice.kubernetes;
    plan.coming.clone_from(&offer.would.coming);
    plan.system = Some(offer.system.clone());
    let layout = state.machine.os.layout();
    for ((repository, key), layout) in offer.repositories.iter().zip(layout.iter().cycle()) {
        let key_path = Path::new(layout.keys).join(offer::file_name(repository, key));
        let (kind, text) = match state.machine.os.family {
            Family::RedHat => ("repo", repository.section(&key_path.display().to_string(), hold)),
            _ => ("sources", repository.stanza(&key_path.display().to_string())),
        };
        let source = Path::new(layout.sources).join(format!("{}.{kind}", repository.name));
        plan.files.extend(change(state, key_path, key.clone()));
        plan.files.extend(change(state, source, text.into_bytes()));
    }
    for (file, text, off) in &state.off {
        let (before, after) = (file.text.clone().into_bytes(), text.clone().into_bytes());
        plan.files.push(Change { path: file.path.clone(), before: Some(before), after: Some(after) });
        plan.off.extend(off.iter().cloned());
    }
}

/// A file of ours that is not as it is to be.
fn change(state: &State, path: PathBuf, after: Vec<u8>) -> Option<Change> {
    let before = state.own.iter().find(|(own, _)| *own == path).map(|(_, text)| text.clone());
    (before.as_ref() != Some(&after)).then_some(Change { path, before, after: Some(after) })
}

fn absent(state: &State, mut plan: Plan) -> anyhow::Result<Plan> {
    let machine = &state.machine;
    if machine.joined && !state.removal.going.is_empty() {
        bail!("option state is absent, and this machine is part of a cluster: a reset comes first");
    }
    let foreign: Vec<&str> = state.removal.going.iter().map(String::as_str).filter(|name| !removable(name)).collect();
    ensure!(
        foreign.is_empty(),
        "option state is absent, and {} would go, too, because it needs what is removed: remove it first",
        foreign.join(", ")
    );
    plan.remove.clone_from(&state.removal.going);
    plan.system.clone_from(&state.system);
    plan.finish = machine.packages.interrupted && !plan.remove.is_empty();
    plan.files = state
        .own
        .iter()
        .map(|(path, text)| Change { path: path.clone(), before: Some(text.clone()), after: None })
        .collect();
    Ok(plan)
}

impl Plan {
    /// The units of what is installed that are to start at the next boot.
    pub fn units(&self) -> Vec<&'static str> {
        let of = |names: &[&str], unit| {
            let comes = self.proof.iter().any(|(name, _)| names.contains(&name.as_str()));
            comes.then_some(unit)
        };
        [of(&["kubelet"], "kubelet"), of(&["containerd", "containerd.io"], "containerd")]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What is done, in words.
    pub fn steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        if self.left_over {
            steps.push("remove the policy-rc.d that an interrupted run has left".to_owned());
        }
        if self.finish {
            steps.push("finish what dpkg was interrupted in".to_owned());
        }
        steps.extend(self.off.iter().map(|off| {
            let why = match &off.why {
                Why::Gone => "nothing is served there any more".to_owned(),
                Why::Release(release) => format!("it is for Kubernetes {release}"),
                Why::Same => "the source kubejoin-kubernetes takes its place".to_owned(),
            };
            format!("switch off the source {}: {why}", off.address)
        }));
        steps.extend(self.files.iter().map(|change| {
            let verb = if change.after.is_some() { "write" } else { "delete" };
            format!("{verb} {}", change.path.display())
        }));
        steps.extend(self.coming.iter().map(|coming| format!("install {coming}")));
        steps.extend(self.remove.iter().map(|name| format!("remove {name}")));
        if !self.hold.is_empty() {
            steps.push(format!("hold back {}", self.hold.join(", ")));
        }
        if !self.free.is_empty() {
            steps.push(format!("hold back no longer {}", self.free.join(", ")));
        }
        steps
    }
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.steps().is_empty() && self.install.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        let text = |bytes: &Option<Vec<u8>>| match bytes {
            None => String::new(),
            Some(bytes) => String::from_utf8(bytes.clone()).unwrap_or_else(|_| format!("{} bytes\n", bytes.len())),
        };
        let of =
            |change: &Change| Diff::new(change.path.display().to_string(), text(&change.before), text(&change.after));
        let mut diff: Vec<Diff> = self.files.iter().map(of).collect();
        let was = |coming: &Coming| coming.from.as_ref().map(|from| format!("{} {from}", coming.name));
        let mut before: Vec<String> = self.coming.iter().filter_map(was).collect();
        before.extend(self.remove.iter().cloned());
        let after: Vec<String> = self.coming.iter().map(|coming| format!("{} {}", coming.name, coming.to)).collect();
        if !(before.is_empty() && after.is_empty()) {
            diff.push(Diff::list("packages", &before, &after));
        }
        if !self.hold.is_empty() || !self.free.is_empty() {
            diff.push(Diff::list("packages held back from upgrades", &self.free, &self.hold));
        }
        diff
    }
}
