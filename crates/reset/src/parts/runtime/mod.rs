//! containerd: whose it is, what it holds, and whether that is worth wiping.
//!
//! Docker, nerdctl and buildkit keep other namespaces in the same containerd. As soon as one of them holds anything, or it
//! cannot be told, containerd is neither stopped nor wiped: its pods and k8s.io's images go through CRI, and that is all.
//! Here is what the plan is made by: containerd's own word while it runs, and its database. What deletes asks again: `sole`.

use anyhow::Result;
use cri::{Client, Image, Sandbox};
use host::deadline::Deadline;
use host::{files, systemd};
use node::containerd::repair::Repair;
use std::time::Duration;

pub mod bolt;
pub mod holdings;
pub mod netns;
pub mod pods;
pub mod record;
pub mod roots;
pub mod sole;

use holdings::{Holdings, KUBERNETES};
use roots::Roots;

/// The unit.
pub const UNIT: &str = "containerd.service";
/// The socket.
pub const SOCKET: &str = "/run/containerd/containerd.sock";

/// containerd as it is.
#[derive(Debug, Clone)]
pub struct Containerd {
    /// `LoadState` of its unit; empty without systemd.
    pub load: String,
    /// `ActiveState`.
    pub active: String,
    /// Active units that go down with it, and have to be started again.
    pub bound: Vec<String>,
    /// What the namespace k8s.io holds.
    pub kubernetes: Holdings,
    /// Other namespaces that hold something.
    pub foreign: Vec<String>,
    /// Why it could not be told whose it is.
    pub unreadable: Option<String>,
    /// Where it keeps its things.
    pub roots: Roots,
    /// The network that CRI has loaded.
    pub network: Option<String>,
    /// Pod sandboxes, or why they could not be listed.
    pub sandboxes: Result<Vec<Sandbox>, String>,
    /// State of pods lies about in directories, whatever the database says.
    pub debris: bool,
    /// CRI's images, looked at only when they cannot go with everything else.
    pub images: Vec<Image>,
    /// What has to be mended in its configuration.
    pub repair: Option<Repair>,
    /// Why that could not be told.
    pub repair_unknown: Option<String>,
}

impl Default for Containerd {
    /// Not there at all.
    fn default() -> Self {
        let (load, active) = (String::new(), String::new());
        let sandboxes = Err("not asked".to_owned());
        let (bound, kubernetes, foreign, unreadable, debris) = Default::default();
        let (roots, network) = (Roots::default(), None);
        let (images, repair, repair_unknown) = Default::default();
        Self {
            load,
            active,
            bound,
            kubernetes,
            foreign,
            unreadable,
            roots,
            network,
            sandboxes,
            debris,
            images,
            repair,
            repair_unknown,
        }
    }
}

impl Containerd {
    /// Whether it may be stopped and wiped.
    pub fn is_ours(&self) -> bool {
        self.foreign.is_empty() && self.unreadable.is_none()
    }

    /// Whether the unit exists here.
    pub fn installed(&self) -> bool {
        self.load == "loaded"
    }

    /// Whether it runs, but not as a unit, so that nobody could start it again.
    pub fn is_stray(&self) -> bool {
        !self.installed() && self.sandboxes.is_ok()
    }

    /// Whether there is anything to wipe, given what the last reset left behind when it was done. containerd makes
    /// empty directories and a database as soon as it starts: those do not count.
    pub fn is_dirty(&self, left_by_last_reset: Option<&Holdings>) -> bool {
        if !self.installed() {
            return true;
        }
        let empty = Holdings::new();
        let answers = self.sandboxes.is_ok();
        let pods = self.sandboxes.as_ref().is_ok_and(|list| !list.is_empty());
        pods || self.debris || !answers || self.kubernetes != *left_by_last_reset.unwrap_or(&empty)
    }
}

/// Looks at everything; changes nothing.
pub fn observe(booted: bool, deadline: &Deadline) -> Result<Containerd> {
    let (sandboxes, network) = connect(deadline);
    let mut containerd = Containerd { sandboxes, network, ..Containerd::default() };
    if booted {
        let shown = systemd::show(UNIT, &["LoadState", "ActiveState", "BoundBy", "RequiredBy"], deadline)?;
        let value = |key: &str| shown.get(key).cloned().unwrap_or_default();
        (containerd.load, containerd.active) = (value("LoadState"), value("ActiveState"));
        for unit in format!("{} {}", value("BoundBy"), value("RequiredBy")).split_whitespace() {
            if unit != "kubelet.service" && systemd::active_state(unit, deadline)? == "active" {
                containerd.bound.push(unit.to_owned());
            }
        }
    }
    if containerd.installed() {
        // A configuration that containerd itself cannot read: it does not run with it, and its defaults are looked at.
        containerd.roots = Roots::of_unit(deadline).unwrap_or_default();
    }
    match holdings::namespaces(&containerd.roots.root) {
        Ok(found) => (containerd.kubernetes, containerd.foreign) = (found.kubernetes, found.foreign),
        Err(error) => containerd.unreadable = Some(format!("{error:#}")),
    }
    let mut others = sole::foreign_tasks(&containerd.roots.state)?;
    others.extend(sole::foreign_shims(&containerd.roots.socket)?);
    match ask(&containerd.roots.socket, deadline) {
        Ok(found) => others.extend(found),
        // It does not run: the database has the word.
        Err(cri::Error::SocketMissing { .. } | cri::Error::Refused { .. }) => {}
        Err(error) if containerd.unreadable.is_none() && is_silent(&error) => {}
        Err(error) => containerd.unreadable = Some(error.to_string()),
    }
    containerd.foreign.extend(others);
    containerd.foreign.sort();
    containerd.foreign.dedup();
    containerd.debris |= debris(&containerd.roots)?;
    if (!containerd.is_ours() || containerd.is_stray()) && containerd.sandboxes.is_ok() {
        containerd.images = Client::connect(SOCKET, &deadline.at_most(Duration::from_secs(10)))?.list_images()?;
        containerd.images.sort_by(|a, b| a.id.cmp(&b.id));
        // CRI may go on listing an image of which its database has nothing left: containerd 1.6.20 does, without any name,
        // when what it does itself and the event of that meet (measured). That one cannot be removed, and needs not be.
        if containerd.unreadable.is_none() {
            let names = containerd.kubernetes.get("images").map(Vec::as_slice).unwrap_or_default();
            containerd
                .images
                .retain(|image| names.contains(&image.id) || image.tags.iter().any(|tag| names.contains(tag)));
        }
    }
    if containerd.installed() {
        match Repair::needed(deadline) {
            Ok(repair) => containerd.repair = repair,
            Err(error) => containerd.repair_unknown = Some(format!("{error:#}")),
        }
    }
    Ok(containerd)
}

/// Stops it.
pub fn stop(deadline: &Deadline) -> Result<()> {
    systemd::stop(UNIT, &deadline.at_most(Duration::from_secs(100)))
}

/// Starts it again, with the units that went down with it.
pub fn start(emptied: bool, bound: &[String], roots: &Roots, deadline: &Deadline) -> Result<()> {
    // Whoever started it meanwhile waits for a database that is deleted by now, and would go on with that one.
    if emptied && systemd::active_state(UNIT, deadline)? != "inactive" {
        systemd::stop(UNIT, deadline)?;
    }
    pods::start(bound, roots, deadline)
}

/// A containerd that hangs is stopped and then proved to be Kubernetes' alone: its database is as good as its word.
fn is_silent(error: &cri::Error) -> bool {
    matches!(error, cri::Error::Hung { .. })
}

/// Namespaces other than Kubernetes' that hold something, by containerd's own word: containers, tasks, images, snapshots of
/// every snapshotter, content.
fn ask(socket: &str, deadline: &Deadline) -> Result<Vec<String>, cri::Error> {
    let mut client = cri::Containerd::connect(socket, &deadline.at_most(Duration::from_secs(10)))?;
    let mut found = Vec::new();
    for namespace in client.namespaces()? {
        if namespace != KUBERNETES && client.holds(&namespace)?.is_some() {
            found.push(namespace);
        }
    }
    Ok(found)
}

/// Directories in which pods leave traces that outlive them.
pub fn pod_directories(roots: &Roots) -> Vec<std::path::PathBuf> {
    let mut list = Vec::new();
    for base in [&roots.root, &roots.state] {
        list.push(base.join("io.containerd.runtime.v2.task/k8s.io"));
        // The CRI plugin's own, before and since containerd 2.
        for plugin in ["io.containerd.grpc.v1.cri", "io.containerd.sandbox.controller.v1.podsandbox"] {
            list.push(base.join(plugin).join("sandboxes"));
            list.push(base.join(plugin).join("containers"));
        }
    }
    list
}

fn debris(roots: &Roots) -> Result<bool> {
    for directory in pod_directories(roots) {
        if !files::names(&directory)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// CRI's sandboxes, or why they could not be listed, and the network that it has loaded.
fn connect(deadline: &Deadline) -> (Result<Vec<Sandbox>, String>, Option<String>) {
    let mut client = match Client::connect(SOCKET, &deadline.at_most(Duration::from_secs(10))) {
        Ok(client) => client,
        Err(error) => return (Err(error.to_string()), None),
    };
    let sandboxes = client.list_pod_sandbox().map_err(|error| error.to_string());
    let network = client.status().ok().and_then(|status| status.network()).map(|network| network.name);
    (sandboxes, network)
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod race_tests;
