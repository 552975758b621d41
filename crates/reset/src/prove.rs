//! Afterwards: what was to be kept is as it was. Anything else is a failure, said loudly.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::mounts::{self, Index, Mount};
use serde_json::Value;

use crate::args::{Args, Part};
use crate::observe::State;
use crate::parts::network::{self, missing};
use crate::trees::delete::below_any;
use crate::trees::manifest::Manifest;
use crate::trees::preserve;

/// Directories below which mounts come and go with pods, users and units.
const COME_AND_GO: [&str; 6] =
    ["/var/lib/kubelet", "/var/lib/containerd", "/run/containerd", "/run/netns", "/run/user", "/run/credentials"];
/// Where other engines mount a container's /dev/shm.
const OF_ENGINES: [&str; 2] = ["/var/lib/containers", "/var/lib/docker"];

/// The proof: a line per preserved tree, and what is not as it was.
pub struct Proof {
    /// For the result.
    pub preserved: Vec<Value>,
    /// Why the run has failed, if it has.
    pub broken: Vec<String>,
    /// What others did meanwhile, and what was compared only in part.
    pub notes: Vec<String>,
}

/// Compares preserved trees, mounts, and what others have in firewall and routes.
pub fn prove(args: &Args, state: &State, deadline: &Deadline) -> Result<Proof> {
    let table = mounts::table()?;
    let index = Index::of(&table);
    let mut proof = Proof { preserved: Vec::new(), broken: Vec::new(), notes: Vec::new() };
    for found in &state.preserved {
        // An interrupted run's manifest is the older one, so it decides.
        let begun = state.unfinished.iter().flat_map(|(begun, _)| &begun.preserved).find(|old| old.path == found.path);
        let before = begun.unwrap_or(found);
        let now = Manifest::of(
            &found.path,
            &preserve::resolve(&index, &found.path),
            &index,
            &deadline.at_most(Duration::from_secs(30)),
        );
        let difference = before.difference(&now);
        let unchanged = difference.lost.is_none() && difference.changed.is_none() && difference.partly.is_none();
        // Where nobody looked, nobody can say.
        let told = now.not_walked.is_none().then_some(unchanged);
        proof.preserved.push(now.to_json(told));
        proof.broken.extend(difference.lost.map(|what| format!("preserved path {what}")));
        proof.notes.extend(
            difference.changed.into_iter().chain(difference.partly).map(|what| format!("preserved path {what}")),
        );
    }
    proof
        .broken
        .extend(lost_mounts(&state.mounts, &table, state).into_iter().map(|point| format!("mount {point} is gone")));
    if args.wants(Part::Network) || args.wants(Part::Firewall) {
        let now = network::again(&state.network, deadline)?;
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

/// Whether it may go at any moment without anything being lost: a root of a container of podman's or Docker's, which may end
/// just now, keeps its files in directories; a namespace has none; an image is read-only.
fn comes_and_goes(mount: &Mount) -> bool {
    match mount.fs_type.as_str() {
        "overlay" | "fuse.fuse-overlayfs" | "nsfs" | "squashfs" | "binfmt_misc" => true,
        "tmpfs" if below_any(&mount.point, &OF_ENGINES) => true,
        _ => below_any(&mount.point, &COME_AND_GO),
    }
}

fn lost_mounts(before: &[Mount], now: &[Mount], state: &State) -> Vec<String> {
    // Ids are reused, so a mount is named by what it shows and where.
    let there: BTreeSet<(&Path, &Path, (u32, u32))> =
        now.iter().map(|mount| (mount.point.as_path(), mount.root.as_path(), mount.device)).collect();
    let automounts: Vec<&Path> =
        before.iter().filter(|mount| mount.fs_type == "autofs").map(|mount| mount.point.as_path()).collect();
    let gone: BTreeSet<&Path> =
        state.targets.iter().flat_map(|found| &found.mounts).map(|mount| mount.point.as_path()).collect();
    before
        .iter()
        .filter(|mount| !there.contains(&(mount.point.as_path(), mount.root.as_path(), mount.device)))
        // What an automounter mounted goes when nobody uses it.
        .filter(|mount| !automounts.iter().any(|point| mount.point.starts_with(point)))
        .filter(|mount| !comes_and_goes(mount))
        .filter(|mount| !gone.contains(mount.point.as_path()))
        .map(|mount| mount.point.display().to_string())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_ends_meanwhile_is_no_loss_and_its_volume_is() {
        let of = |fs_type: &str, point: &str| {
            let line = format!("36 35 98:0 / {point} rw - {fs_type} none rw\n");
            comes_and_goes(&mounts::parse(line.as_bytes()).unwrap()[0])
        };
        assert!(of("overlay", "/srv/engine/overlay/1f/merged") && of("nsfs", "/run/docker/netns/2"));
        assert!(of("tmpfs", "/var/lib/containers/storage/overlay-containers/1f/userdata/shm"));
        assert!(!of("nfs4", "/var/lib/docker/volumes/films/_data") && !of("tmpfs", "/srv/ram"));
        assert!(!of("ext4", "/var/lib/containers"));
    }
}
