//! The plan as people read it: what there is before, and what is left of it.

use std::path::Path;

use ansible::Diff;
use host::mounts::Mount;

use crate::args::{Args, Part};
use crate::observe::State;
use crate::parts::firewall;
use crate::plan::{Step, extent};
use crate::words::{count, named, plain};

/// One difference for the whole node, and one for each file that is edited. Check mode and a real run show the same,
/// because it is made from the plan.
pub fn diff(args: &Args, state: &State, steps: &[Step]) -> Vec<Diff> {
    if steps.is_empty() {
        return Vec::new();
    }
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for step in steps {
        describe(args, state, step, &mut before, &mut after);
    }
    for (path, why) in &state.kept {
        let line = format!("{}: kept, {why}", path.display());
        before.push(line.clone());
        after.push(line);
    }
    for line in crate::report::unknown(state) {
        before.push(line.clone());
        after.push(line.replace(" (unknown: delete deletes it)", ", kept"));
    }
    for manifest in &state.preserved {
        let what = match (manifest.exists, &manifest.not_walked) {
            (false, _) => "nothing there".to_owned(),
            (true, Some(why)) => why.clone(),
            (true, None) => count(manifest.entries, "entry", "entries"),
        };
        let line = format!("{}: preserved, {what}", manifest.path.display());
        before.push(line.clone());
        after.push(line);
    }
    let files = steps.iter().flat_map(|step| match step {
        Step::RepairConfig(repair) => repair.diffs(),
        _ => Vec::new(),
    });
    std::iter::once(Diff::list("this node", &before, &after)).chain(files).collect()
}

fn describe(args: &Args, state: &State, step: &Step, before: &mut Vec<String>, after: &mut Vec<String>) {
    match step {
        Step::LeaveEtcd => before.push("member of etcd".to_owned()),
        Step::StopKubelet { unit, processes } => {
            let running = if *unit { state.kubelet.clone() } else { format!("{} processes", processes.len()) };
            before.push(format!("kubelet: {running}"));
            after.push("kubelet: stopped".to_owned());
        }
        Step::RemoveSandboxes(list) => {
            before.extend(list.iter().map(|sandbox| format!("pod {}/{}", sandbox.namespace, sandbox.name)));
        }
        Step::StopContainerd => before.push(format!("containerd: {}", state.containerd.active)),
        Step::EndPods(list) => {
            before.extend(list.iter().map(|process| format!("process {}", named(process))));
        }
        Step::RemoveNetns(list) => {
            before.extend(list.iter().map(|netns| format!("network namespace {}", netns.path.display())))
        }
        Step::RemoveImages(images) => {
            before
                .extend(images.iter().map(|image| format!("image {}", crate::parts::runtime::pods::image_name(image))));
        }
        Step::Unmount(found) => {
            if found.target.part == Part::Containerd {
                // Root file systems and the like of containers, under names nobody knows; the result lists them.
                let mounts = count(found.mounts.len() as u64, "mount", "mounts");
                before.push(format!("{mounts} of containers below {}", found.target.path.display()));
                return;
            }
            let lines = found.mounts.iter().map(|mount| {
                format!(
                    "mount {} ({}{} {})",
                    mount.point.display(),
                    mount.fs_type,
                    shown(mount),
                    mount.source.to_string_lossy()
                )
            });
            before.extend(lines);
        }
        Step::Delete(found) => {
            before.push(format!("{}: {}", found.target.path.display(), extent(found)));
            let left = match (found.target.what, found.survey.unknown.len()) {
                (host::remove::What::Tree, _) => "gone",
                (_, 0) => "empty",
                _ => "what is not known is left",
            };
            after.push(format!("{}: {left}", found.target.path.display()));
        }
        Step::Network => {
            let network = &state.network;
            before.extend(network.links.iter().map(|link| format!("link {} ({})", link.link.name, link.reason)));
            before.extend(network.route_texts.iter().map(|route| format!("route {}", plain(route))));
        }
        Step::Firewall => {
            before.extend(firewall::lines(&state.network));
        }
        Step::DropIn(path, why) => before.push(format!("{}: {why}", path.display())),
        Step::Temporary(path) => before.push(format!("{}: a temporary file", path.display())),
        Step::Kubeconfig(edit) => {
            before.push(format!("{}: {}", edit.path.display(), edit.what()));
            after.push(format!("{}: without them", edit.path.display()));
        }
        Step::ResetFailed(units) => before.extend(units.iter().map(|unit| format!("{unit}: failed"))),
        Step::RepairConfig(repair) => after.extend(repair.sentences()),
        Step::StartContainerd(bound) => {
            if !args.wants(Part::Containerd) || !after.iter().any(|line| line.starts_with("containerd")) {
                after.push("containerd: running, empty".to_owned());
            }
            after.extend(bound.iter().map(|unit| format!("{unit}: started again")));
        }
    }
}

/// Which directory of its file system a mount shows, when that is not all of it: a bind mount's source.
fn shown(mount: &Mount) -> String {
    if mount.root == Path::new("/") { String::new() } else { format!(", bind of {} on", mount.root.display()) }
}
