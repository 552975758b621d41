//! The steps, done, each announced in the journal. One that fails is remembered and the rest goes on; only a kubelet that
//! will not stop ends the run, because it would work against everything after it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ansible::Task;
use anyhow::{Context, Result};
use firewall::{iptables, ipvs, nftables};
use host::deadline::Deadline;
use host::mounts;
use host::process::Program;
use host::processes::{self, Kind};
use host::remove::remove;
use host::{files, links, routes, systemd};

use crate::args::Part;
use crate::journal::Journal;
use crate::observe::{Found, State, deserted_netns, kubernetes_processes};
use crate::plan::Step;
use crate::report::{Removal, Report};
use crate::{network, runtime};

/// How long unmounting below one target may take.
const UNMOUNT: Duration = Duration::from_secs(60);
/// How long killed processes may take to be gone.
const END: Duration = Duration::from_secs(15);

/// The run.
pub struct Run<'a> {
    /// The node before it.
    pub state: &'a State,
    /// For all of it.
    pub deadline: Deadline,
    /// What has been done so far.
    pub report: Report,
    /// Targets that must be left alone, because something is still mounted below them or uses them.
    blocked: BTreeSet<PathBuf>,
}

impl<'a> Run<'a> {
    /// Nothing done yet.
    pub fn new(state: &'a State, deadline: Deadline) -> Self {
        Self { state, deadline, report: Report::default(), blocked: BTreeSet::new() }
    }

    /// Does the steps in order. An error is a run that could not go on.
    pub fn apply(&mut self, steps: &[Step], journal: &mut Journal, task: &Task) -> Result<()> {
        let wipes = steps.iter().any(|step| matches!(step, Step::StopContainerd));
        for step in steps {
            let name = step.name();
            task.phase(&name);
            let noted = journal.intent(&name);
            self.note(noted);
            let done = self.step(step, wipes);
            match (done, step) {
                (Ok(()), _) => {
                    let noted = journal.done(&name);
                    self.note(noted);
                }
                (Err(error), Step::StopKubelet { .. }) => return Err(error),
                (Err(error), _) => self.report.problems.push(format!("{error:#}")),
            }
        }
        if self.report.drop_ins.is_empty() { Ok(()) } else { systemd::daemon_reload(&self.deadline) }
    }

    /// A line of the journal that could not be written, on a full disk for one. What a next run needs is in its first line.
    fn note(&mut self, noted: Result<()>) {
        let warning = noted.err().map(|error| format!("{error:#}"));
        self.report.warnings.extend(warning.filter(|warning| !self.report.warnings.contains(warning)));
    }

    fn step(&mut self, step: &Step, wipes: bool) -> Result<()> {
        match step {
            Step::LeaveEtcd => self.leave_etcd(),
            Step::StopKubelet { unit, .. } => self.stop_kubelet(*unit),
            Step::RemoveSandboxes(_) => self.remove_sandboxes(wipes),
            Step::StopContainerd => self.stop_containerd(),
            Step::EndPods(_) => self.end(|kind| kind != Kind::Kubelet),
            Step::RemoveNetns(_) => self.remove_netns(),
            Step::RemoveImages(images) => {
                let (removed, problems) = runtime::remove_images(images, &self.deadline)?;
                self.report.images = removed;
                self.report.problems.extend(problems);
                Ok(())
            }
            Step::Unmount(found) => self.unmount(found),
            Step::Delete(found) => self.delete(found),
            Step::Network => self.delete_links(),
            Step::Firewall => self.delete_rules(),
            Step::DropIn(path, why) => {
                files::delete_file(path)?;
                self.report.drop_ins.push(format!("{}: {why}", path.display()));
                path.parent().map_or(Ok(()), |directory| files::delete_empty_dir(directory).map(drop))
            }
            Step::Temporary(path) => {
                files::delete_file(path)?;
                self.report.removed.push(Removal { path: path.clone(), entries: 1, bytes: 0 });
                Ok(())
            }
            Step::ResetFailed(units) => {
                self.report.failed_units.clone_from(units);
                units.iter().try_for_each(|unit| systemd::reset_failed(unit, &self.deadline))
            }
            Step::RepairConfig(repair) => {
                repair.apply(&self.deadline)?;
                self.report.repaired = repair.sentences();
                Ok(())
            }
            Step::StartContainerd(bound) => runtime::start(bound, &self.deadline),
        }
    }

    /// The one part of `kubeadm reset` that is left to kubeadm: it knows the other members.
    fn leave_etcd(&mut self) -> Result<()> {
        let args = ["reset", "phase", "remove-etcd-member", "--kubeconfig", "/etc/kubernetes/admin.conf"];
        let limit = self.deadline.at_most(Duration::from_secs(60));
        let left = Program::new("kubeadm").args(args).run(&limit).and_then(|output| output.success());
        if let Err(error) = left {
            // The only member of a cluster that is being ended cannot leave it, and need not.
            self.report.warnings.push(format!("leaving etcd: {error:#}"));
        }
        Ok(())
    }

    fn stop_kubelet(&mut self, unit: bool) -> Result<()> {
        if unit {
            systemd::stop("kubelet.service", &self.deadline.at_most(Duration::from_secs(100)))?;
        }
        self.end(|kind| kind == Kind::Kubelet)
    }

    fn remove_sandboxes(&mut self, wipes: bool) -> Result<()> {
        let (removed, problems) = runtime::remove_sandboxes(&self.deadline)?;
        self.report.pods.extend(removed);
        // Where containerd is wiped anyway, what it could not do itself is done without it.
        if wipes {
            self.report.warnings.extend(problems)
        } else {
            self.report.problems.extend(problems)
        }
        Ok(())
    }

    fn stop_containerd(&mut self) -> Result<()> {
        let stopped = systemd::stop(crate::containerd::UNIT, &self.deadline.at_most(Duration::from_secs(100)));
        if stopped.is_err() {
            let targets = self.state.targets.iter().filter(|found| found.target.part == Part::Containerd);
            self.blocked.extend(targets.map(|found| found.target.path.clone()));
        }
        stopped
    }

    fn end(&mut self, which: impl Fn(Kind) -> bool) -> Result<()> {
        let found: Vec<_> = kubernetes_processes()?.into_iter().filter(|process| which(process.kind)).collect();
        for left in processes::end(&found, &self.deadline.at_most(END))? {
            let problem =
                format!("ending process {} ({}): it does not end, state {}", left.pid, left.program, left.state);
            self.report.problems.push(problem);
        }
        Ok(())
    }

    fn remove_netns(&mut self) -> Result<()> {
        for path in deserted_netns(&mounts::table()?) {
            mounts::unmount(&path, &self.deadline)?;
            files::delete_file(&path)?;
        }
        Ok(())
    }

    fn unmount(&mut self, found: &Found) -> Result<()> {
        let path = &found.target.path;
        let done = mounts::unmount_below(path, &self.deadline.at_most(UNMOUNT));
        if done.as_ref().map_or(true, |done| !done.left.is_empty()) {
            self.blocked.insert(path.clone());
        }
        let done = done.with_context(|| format!("unmounting what is below {}", path.display()))?;
        for left in done.left {
            let problem = format!("unmounting {left}; {} was not deleted", path.display());
            self.report.problems.push(problem);
        }
        Ok(())
    }

    fn delete(&mut self, found: &Found) -> Result<()> {
        let path = &found.target.path;
        if !found.users.is_empty() {
            let users = found.users.join(", ");
            self.report.problems.push(format!("deleting {}: {users}; unmount that first", path.display()));
            self.report.kept.push((path.clone(), users));
            return Ok(());
        }
        if self.blocked.contains(path) {
            self.report.kept.push((path.clone(), "something is still mounted below it, or uses it".to_owned()));
            return Ok(());
        }
        // Mounted since the plan was made: by a pod that was dying.
        if !mounts::below(&mounts::table()?, path).is_empty() {
            self.unmount(found)?;
            if self.blocked.contains(path) {
                return self.delete(found);
            }
        }
        let removed = remove(path, found.target.what, &found.spare, &self.deadline)?;
        self.report.removed.push(Removal { path: path.clone(), entries: removed.entries, bytes: removed.bytes });
        let more = removed.kept_count.saturating_sub(removed.kept.len() as u64);
        self.report.problems.extend(removed.kept.iter().map(|kept| format!("deleting {}", shorten(&kept.to_string()))));
        if more > 0 {
            self.report.problems.push(format!("deleting {}: {more} more could not be deleted", path.display()));
        }
        Ok(())
    }

    fn known(&self) -> Vec<String> {
        self.state.network.pod_networks.iter().map(ToString::to_string).collect()
    }

    /// Looks again: removing the pods has taken some of it away.
    fn delete_links(&mut self) -> Result<()> {
        let now = network::observe(&self.known(), &self.state.network.owner.foreign_networks, &self.deadline)?;
        routes::delete(&now.routes, &self.deadline)?;
        let list: Vec<(u32, String)> = now.links.iter().map(|link| (link.index, link.name.clone())).collect();
        links::delete(&list, &self.deadline)?;
        self.report.links.extend(self.state.network.links.iter().map(|link| link.name.clone()));
        self.report.routes.clone_from(&self.state.network.route_texts);
        Ok(())
    }

    fn delete_rules(&mut self) -> Result<()> {
        let now = network::observe(&self.known(), &self.state.network.owner.foreign_networks, &self.deadline)?;
        iptables::remove(&now.firewall, &now.owner, &self.deadline)?;
        nftables::delete(&now.tables, &self.deadline)?;
        let left = ipvs::remove(&now.ipvs, &self.deadline)?;
        if !left.is_empty() {
            let warning =
                format!("{} IPVS services of kube-proxy are left, because ipvsadm is not installed", left.len());
            self.report.warnings.push(warning);
        }
        self.report.firewall = crate::render::firewall(&self.state.network);
        Ok(())
    }
}

/// A path of ten thousand components helps nobody.
fn shorten(text: &str) -> String {
    let (head, tail) = (text.char_indices().nth(200), text.char_indices().rev().nth(150));
    match (head, tail) {
        (Some((head, _)), Some((tail, _))) if head < tail => format!("{}[...]{}", &text[..head], &text[tail..]),
        _ => text.to_owned(),
    }
}

/// Whether a path lies below one of these.
pub fn below_any(path: &Path, directories: &[&str]) -> bool {
    directories.iter().any(|directory| path.starts_with(directory))
}
