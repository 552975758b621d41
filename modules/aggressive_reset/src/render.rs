//! The plan as people read it: what there is before, and what is left of it.

use ansible::Diff;
use firewall::iptables::TableRemoval;

use crate::args::{Args, Part};
use crate::network::Network;
use crate::observe::State;
use crate::plan::{Step, extent};
use crate::report::{count, named};

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
            before.extend(list.iter().map(|path| format!("network namespace {}", path.display())))
        }
        Step::RemoveImages(images) => {
            before.extend(images.iter().map(|image| format!("image {}", crate::runtime::image_name(image))));
        }
        Step::Unmount(found) => {
            if found.target.part == Part::Containerd {
                // Root file systems and the like of containers, under names nobody knows; the result lists them.
                let mounts = count(found.mounts.len() as u64, "mount", "mounts");
                before.push(format!("{mounts} of containers below {}", found.target.path.display()));
                return;
            }
            let lines = found.mounts.iter().map(|mount| {
                format!("mount {} ({} {})", mount.point.display(), mount.fs_type, mount.source.to_string_lossy())
            });
            before.extend(lines);
        }
        Step::Delete(found) => {
            before.push(format!("{}: {}", found.target.path.display(), extent(found)));
            if !found.users.is_empty() {
                after.push(format!("{}: kept, {}", found.target.path.display(), found.users.join(", ")));
                return;
            }
            let left = if found.target.what == host::remove::What::Tree { "gone" } else { "empty" };
            after.push(format!("{}: {left}", found.target.path.display()));
        }
        Step::Network => {
            let network = &state.network;
            before.extend(network.links.iter().map(|link| format!("link {} ({})", link.name, link.reason)));
            before.extend(network.route_texts.iter().map(|route| format!("route {}", plain(route))));
        }
        Step::Firewall => {
            before.extend(firewall(&state.network));
        }
        Step::DropIn(path, why) => before.push(format!("{}: {why}", path.display())),
        Step::Temporary(path) => before.push(format!("{}: a temporary file", path.display())),
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

/// The firewall's part, a line per table.
pub fn firewall(network: &Network) -> Vec<String> {
    let chains = network.firewall.iter().map(|TableRemoval { tool, removal }| {
        let (chains, rules) = (removal.chains.len(), removal.rules.len());
        let chains = count(chains as u64, "chain", "chains");
        let rules = match rules {
            0 => String::new(),
            rules => format!(", {} into them", count(rules as u64, "jump", "jumps")),
        };
        format!("{} {}: {chains}{rules}", tool.name(), removal.table)
    });
    let tables = network.tables.iter().map(|table| format!("nftables table {table}"));
    let services = network.ipvs.iter().map(|service| format!("IPVS service {service}"));
    chains.chain(tables).chain(services).collect()
}

/// A route as `ip route` shows it: without what goes without saying.
pub fn plain(route: &str) -> String {
    let mut words = route.split(' ').peekable();
    let mut said = Vec::new();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        match (word, next) {
            ("unicast", _) => {}
            ("table", "254") | ("scope" | "metric", "0") | ("proto", _) => drop(words.next()),
            _ => said.push(word),
        }
    }
    said.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reads_as_ip_route_says_it() {
        let full = "unicast 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink table 254 proto 3 scope 0 metric 0";
        assert_eq!(plain(full), "10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink");
        let more = "blackhole 10.244.1.0/24 table 7 scope 253 metric 1024";
        assert_eq!(plain(more), more);
    }
}
