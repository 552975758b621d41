//! What a run did, as result fields.

use std::path::Path;
use std::time::SystemTime;

use ansible::Outcome;
use anyhow::Result;
use host::mounts;
use host::remove::Unknown;
use serde_json::json;

use crate::args::{Args, PRESERVE, Part};
use crate::done::{Done, Removal};
use crate::observe::State;
use crate::parts::runtime::pods;
use crate::plan::{Step, repairs_config};
use crate::trees::manifest::Manifest;
use crate::trees::targets;
use crate::words::{count, named, plain, size};

/// A longer list helps nobody; the rest is counted.
const LISTED: usize = 200;

impl Done {
    /// What the steps would do.
    pub fn planned(state: &State, steps: &[Step]) -> Self {
        let preserved = state.preserved.iter().map(|found| found.to_json(None)).collect();
        let mut report = Self { preserved, ..Self::default() };
        for step in steps {
            match step {
                Step::RemoveSandboxes(list) => {
                    report.pods.extend(list.iter().map(|sandbox| format!("{}/{}", sandbox.namespace, sandbox.name)));
                }
                Step::StopKubelet { processes, .. } | Step::EndPods(processes) => {
                    report.ended.extend(processes.iter().map(named));
                }
                Step::RemoveNetns(list) => {
                    report.unmounted.extend(list.iter().map(|netns| netns.path.display().to_string()))
                }
                Step::RemoveImages(images) => {
                    report.images = images.iter().map(crate::parts::runtime::pods::image_name).collect()
                }
                Step::Unmount(found) => {
                    report.unmounted.extend(found.mounts.iter().map(|mount| mount.point.display().to_string()));
                }
                Step::Delete(found) => report.removed.push(Removal {
                    path: found.target.path.clone(),
                    entries: found.survey.entries,
                    bytes: found.survey.bytes,
                }),
                Step::Network => {
                    report.links.extend(state.network.links.iter().map(|owned| owned.link.name.clone()));
                    report.routes.clone_from(&state.network.route_texts);
                }
                Step::Firewall => {
                    report.firewall = crate::parts::firewall::lines(&state.network);
                }
                Step::DropIn(path, why) => report.drop_ins.push(format!("{}: {why}", path.display())),
                Step::Temporary(path) => report.removed.push(Removal { path: path.clone(), entries: 1, bytes: 0 }),
                Step::Kubeconfig(edit) => report.kubeconfig.push(format!("{}: {}", edit.path.display(), edit.what())),
                Step::ResetFailed(units) => report.failed_units.clone_from(units),
                Step::RepairConfig(repair) => report.repaired = repair.sentences(),
                Step::LeaveEtcd | Step::StopContainerd | Step::StartContainerd(_) => {}
            }
        }
        report
    }

    /// What of the plan is gone now, whoever took it away: containerd unmounts and ends most of it itself.
    pub fn look_back(&mut self, state: &State, steps: &[Step]) -> Result<()> {
        let planned = Self::planned(state, steps);
        let table = mounts::table()?;
        let mounted: Vec<String> = table.iter().map(|mount| mount.point.display().to_string()).collect();
        self.unmounted = planned.unmounted.into_iter().filter(|point| !mounted.contains(point)).collect();
        let running: Vec<String> = pods::processes()?.iter().map(named).collect();
        self.ended = planned.ended.into_iter().filter(|process| !running.contains(process)).collect();
        Ok(())
    }

    /// The result fields.
    pub fn outcome(&self, args: &Args, state: &State, steps: &[Step]) -> Outcome {
        let unknown = unknown(state);
        let kept: Vec<_> = (state.kept.iter().chain(&self.kept))
            .map(|(path, why)| format!("{}: {why}", path.display()))
            .chain(unknown.iter().cloned())
            .collect();
        let resumed = state.unfinished.as_ref().map(|(begun, last)| json!({"begun_at": begun.at, "last_step": last}));
        let mut outcome = Outcome::new()
            .field("level", args.level)
            .field("parts", args.parts().iter().map(|part| part.name()).collect::<Vec<_>>().join(", "))
            .field("steps", steps.iter().map(Step::name).collect::<Vec<_>>())
            .field("removed", self.removed.iter().map(Removal::to_text).collect::<Vec<_>>())
            .field("unmounted", &self.unmounted)
            .field("pods", &self.pods)
            .field("images", &self.images)
            .field("processes", &self.ended)
            .field("links", &self.links)
            .field("routes", self.routes.iter().map(|route| plain(route)).collect::<Vec<_>>())
            .field("firewall", &self.firewall)
            .field("drop_ins", &self.drop_ins)
            .field("kubeconfig", &self.kubeconfig)
            .field("failed_units", &self.failed_units)
            .field("containerd_config", &self.repaired)
            .field("kept", kept)
            .field("unknown", unknown)
            .field("backup", &self.backup)
            .field("problems", &self.problems)
            .field("preserved", &self.preserved)
            .field("resumed", resumed);
        let unread = state.containerd.repair_unknown.as_ref().filter(|_| repairs_config(args, state));
        for warning in unread.map(|why| format!("containerd's configuration was left as it is: {why}")).iter() {
            outcome.warn(warning);
        }
        if args.wants(Part::Firewall) && !state.network.unseen.is_empty() {
            let tables = state.network.unseen.join(", ");
            outcome.warn(format!("iptables is not installed, so nobody looked at the kernel's tables {tables}"));
        }
        for warning in self.warnings.iter().chain(&doubtful(args, state)) {
            outcome.warn(warning);
        }
        outcome
    }

    /// One sentence.
    pub fn summary(&self, args: &Args, state: &State, steps: &[Step], checking: bool) -> String {
        if steps.is_empty() {
            let unseen = args.wants(Part::Firewall) && !state.network.unseen.is_empty();
            let doubt = if unseen { ", as far as can be seen without iptables" } else { "" };
            let unknown: usize = state.targets.iter().map(|found| found.survey.unknown.len()).sum();
            let mut kept = match unknown {
                0 => String::new(),
                some => format!(
                    "; {} kept",
                    count(some as u64, "entry that nobody knows was", "entries that nobody knows were")
                ),
            };
            let whole = |path: &Path| targets::all(args.level).iter().any(|target| target.path == path);
            for (path, why) in state.kept.iter().filter(|(path, _)| whole(path)) {
                kept += &format!("; {} was kept: {why}", path.display());
            }
            return format!("nothing of Kubernetes is left that level {} removes{doubt}{kept}", args.level.name());
        }
        let entries: u64 = self.removed.iter().map(|removal| removal.entries).sum();
        let bytes: u64 = self.removed.iter().map(|removal| removal.bytes).sum();
        format!(
            "{}{}, {}, {} ({}), {}; {} level",
            if checking { "would remove " } else { "removed " },
            count(self.pods.len() as u64, "pod", "pods"),
            count(self.unmounted.len() as u64, "mount", "mounts"),
            count(entries, "file or directory", "files and directories"),
            size(bytes),
            count(self.links.len() as u64, "link", "links"),
            args.level.name(),
        )
    }
}

/// Entries of targets that nobody knows, each with its size and age.
pub fn unknown(state: &State) -> Vec<String> {
    let now = SystemTime::now();
    let line = |unknown: &Unknown| {
        let age = unknown.modified.and_then(|time| now.duration_since(time).ok()).map_or(0, |age| age.as_secs());
        let age = match age {
            0..7200 => count(age / 60, "minute", "minutes"),
            7200..172_800 => count(age / 3600, "hour", "hours"),
            _ => count(age / 86_400, "day", "days"),
        };
        let directory = if unknown.directory { "a directory of " } else { "" };
        let what = format!("{directory}{}", size(unknown.bytes));
        format!(
            "{}: {what}, {age} old, not known to be Kubernetes' (unknown: delete deletes it)",
            unknown.path.display()
        )
    };
    let all: Vec<&Unknown> = state.targets.iter().flat_map(|found| &found.survey.unknown).collect();
    let more = all.len().saturating_sub(LISTED);
    let lines = all.iter().take(LISTED).map(|unknown| line(unknown));
    lines.chain((more > 0).then(|| format!("{more} more that are not known to be Kubernetes'"))).collect()
}

/// Preserved paths that may be misspelt: what is not there is compared with nothing.
fn doubtful(args: &Args, state: &State) -> Vec<String> {
    let defaults = args.preserve.iter().eq(PRESERVE.iter().map(Path::new));
    let missing = |found: &&Manifest| !found.exists && !defaults;
    let said = |found: &Manifest| {
        let path = found.path.display();
        let glob = found.path.to_string_lossy().contains(['*', '?', '[']);
        let why = if glob { "; it is taken as it is written, not as a pattern" } else { "" };
        format!("preserved path {path} does not exist, so nothing there is compared{why}")
    };
    state.preserved.iter().filter(missing).map(said).collect()
}
