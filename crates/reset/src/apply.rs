//! The steps, done, each announced in the journal. One that fails is remembered and the rest goes on; only a kubelet that
//! will not stop ends the run, because it would work against everything after it.

use anyhow::Result;
use host::processes::Kind;
use host::{files, systemd};

use crate::args::Part;
use crate::done::Removal;
use crate::journal::Journal;
use crate::parts::runtime::{self, pods};
use crate::parts::{etcd, firewall, kubectl, kubelet, network};
use crate::plan::{self, Step};
use crate::run::Run;
use crate::trees::delete;

impl Run<'_> {
    /// Does the steps in order. An error is a run that could not go on.
    pub fn apply(&mut self, steps: &[Step], journal: &mut Journal, phase: &dyn Fn(&str)) -> Result<()> {
        let wipes = plan::wipes(steps);
        for step in steps {
            let name = step.name();
            phase(&name);
            let noted = journal.intent(&name);
            self.note(noted);
            let done = self.step(step, wipes);
            // A step that failed may have done half of its work.
            self.report.changed |= done.is_ok() || !matches!(step, Step::StopKubelet { .. });
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
            Step::LeaveEtcd => etcd::leave(&mut self.report, &self.deadline),
            Step::StopKubelet { unit, .. } => kubelet::stop(*unit, &mut self.report, &self.deadline),
            Step::RemoveSandboxes(_) => pods::remove(wipes, &mut self.report, &self.deadline),
            Step::StopContainerd => {
                let stopped = runtime::stop(&self.deadline);
                // One that does not stop keeps its directories.
                if stopped.is_err() {
                    self.block(Part::Containerd);
                }
                stopped
            }
            Step::EndPods(_) => pods::end(|kind| kind != Kind::Kubelet, &mut self.report, &self.deadline),
            Step::RemoveNetns(_) => pods::remove_netns(&self.state.pod_netns, &self.deadline),
            Step::RemoveImages(images) => {
                let (removed, problems) = pods::remove_images(images, &self.deadline)?;
                self.report.images = removed;
                self.report.problems.extend(problems);
                Ok(())
            }
            Step::Unmount(found) => delete::unmount(self, found),
            Step::Delete(found) => {
                let copied = self.backup.keep_of(found);
                // A disk that is full may be why the node is reset.
                self.note(copied);
                delete::delete(self, found)
            }
            Step::Network => network::delete(&self.state.network, &mut self.report, &self.deadline),
            Step::Firewall => firewall::delete(&self.state.network, &mut self.report, &self.deadline),
            Step::DropIn(path, why) => kubelet::delete_drop_in(path, why, &mut self.backup, &mut self.report),
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
            Step::StartContainerd(bound) => {
                // It has to open its new database.
                let emptied = self.has_sole();
                self.release();
                runtime::start(emptied, bound, &self.state.containerd.roots, &self.deadline)
            }
            Step::Kubeconfig(edit) => kubectl::apply(edit, &mut self.backup, &mut self.report),
        }
    }
}
