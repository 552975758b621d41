//! Afterwards: what was to be kept is as it was. Anything else is a failure, said loudly.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{self, Mount};
use serde_json::Value;

use crate::args::{Args, Part};
use crate::manifest::Manifest;
use crate::network::{self, missing};
use crate::observe::State;
use crate::preserve;

/// Directories below which mounts come and go with pods.
const OF_PODS: [&str; 5] = ["/var/lib/kubelet", "/var/lib/containerd", "/run/containerd", "/run/netns", "/run/user"];

/// The proof: a line per preserved tree, and what is not as it was.
pub struct Proof {
    /// For the result.
    pub preserved: Vec<Value>,
    /// Why the run has failed, if it has.
    pub broken: Vec<String>,
}

/// Compares preserved trees, mounts, and what others have in firewall and routes.
pub fn prove(args: &Args, state: &State, deadline: &Deadline) -> Result<Proof> {
    let table = mounts::table()?;
    let mut proof = Proof { preserved: Vec::new(), broken: Vec::new() };
    for found in &state.preserved {
        // An interrupted run's manifest is the older one, so it decides.
        let begun = state.unfinished.iter().flat_map(|(begun, _)| &begun.preserved).find(|old| old.path == found.path);
        let before = begun.unwrap_or(found);
        let now = Manifest::of(
            &found.path,
            &preserve::resolve(&table, &found.path),
            &table,
            &deadline.at_most(Duration::from_secs(30)),
        );
        let difference = before.difference(&now);
        proof.preserved.push(now.to_json(Some(difference.is_none())));
        proof.broken.extend(difference.map(|what| format!("preserved path {what}")));
    }
    proof
        .broken
        .extend(lost_mounts(&state.mounts, &table, state).into_iter().map(|point| format!("mount {point} is gone")));
    if args.wants(Part::Network) || args.wants(Part::Firewall) {
        let known: Vec<String> = state.network.pod_networks.iter().map(ToString::to_string).collect();
        let now = network::observe(&known, &state.network.owner.foreign_networks, deadline)?;
        let rules = missing(&state.network.foreign_rules, &now.foreign_rules);
        proof.broken.extend(rules.into_iter().map(|rule| format!("a firewall rule of somebody else is gone: {rule}")));
        let routes = missing(&state.network.foreign_routes, &now.foreign_routes);
        let of_pods = |route: &String| state.network.pod_links.iter().any(|link| names(route, link));
        let routes = routes.into_iter().filter(|route| !of_pods(route));
        proof.broken.extend(routes.map(|route| format!("a route of somebody else is gone: {route}")));
    }
    Ok(proof)
}

fn names(route: &str, link: &str) -> bool {
    route.split(' ').any(|word| word == link)
}

fn lost_mounts(before: &[Mount], now: &[Mount], state: &State) -> Vec<String> {
    // Ids are reused, so a mount is named by what it shows and where.
    let there: BTreeSet<(&Path, &Path, (u32, u32))> =
        now.iter().map(|mount| (mount.point.as_path(), mount.root.as_path(), mount.device)).collect();
    before
        .iter()
        .filter(|mount| !there.contains(&(mount.point.as_path(), mount.root.as_path(), mount.device)))
        // What an automounter mounted goes when nobody uses it.
        .filter(|mount| {
            mount.fs_type != "binfmt_misc"
                && !before.iter().any(|over| over.fs_type == "autofs" && mount.point.starts_with(&over.point))
        })
        .filter(|mount| !crate::apply::below_any(&mount.point, &OF_PODS))
        .filter(|mount| !state.targets.iter().any(|found| found.mounts.iter().any(|gone| gone.point == mount.point)))
        .map(|mount| mount.point.display().to_string())
        .collect()
}
