//! containerd: whose it is, what it holds, and whether that is worth wiping.
//!
//! Docker and nerdctl keep other namespaces in the same /var/lib/containerd. As soon as one of them holds anything, or
//! it cannot be told, containerd is neither stopped nor wiped: its pods and k8s.io's images go through CRI, and that is all.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use cri::{Client, Image, Sandbox};
use host::deadline::Deadline;
use host::{files, systemd};
use node::containerd::repair::Repair;
use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::bolt::Bolt;
use crate::targets::CONTAINERD;

/// The unit.
pub const UNIT: &str = "containerd.service";
/// The socket.
pub const SOCKET: &str = "/run/containerd/containerd.sock";
const DATABASE: &str = "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db";
/// What a namespace holds that somebody would miss. `content` lists blobs one level deeper.
const OBJECTS: [&[&str]; 5] =
    [&["images"], &["containers"], &["sandboxes"], &["snapshots", "overlayfs"], &["content", "blob"]];

/// Traces of others who may keep things in containerd.
const OTHERS: [&str; 4] = ["/var/lib/docker", "/var/lib/nerdctl", "/var/lib/buildkit", "/run/docker.sock"];

/// Names of what a namespace holds, by kind.
pub type Holdings = BTreeMap<String, Vec<String>>;

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
    /// Why it could not be told whose it is, when there are signs of others.
    pub unreadable: Option<String>,
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
        let (images, repair, repair_unknown) = Default::default();
        Self { load, active, bound, kubernetes, foreign, unreadable, sandboxes, debris, images, repair, repair_unknown }
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

/// What lies in the database.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// k8s.io's.
    pub kubernetes: Holdings,
    /// Names of the others that hold something.
    pub foreign: Vec<String>,
}

/// Reads the database; no database means nothing there.
pub fn namespaces() -> Result<Namespaces> {
    namespaces_in(Path::new(DATABASE))
}

fn namespaces_in(path: &Path) -> Result<Namespaces> {
    let mut found = Namespaces::default();
    if !path.exists() {
        return Ok(found);
    }
    let database = Bolt::open(path)?;
    for name in database.names(&["v1"])? {
        let mut holdings = Holdings::new();
        for object in OBJECTS {
            let mut names = database.names(&[&["v1", name.as_str()], object].concat())?;
            names.sort();
            if !names.is_empty() {
                holdings.insert(object[0].to_owned(), names);
            }
        }
        match (name.as_str(), holdings.is_empty()) {
            ("k8s.io", _) => found.kubernetes = holdings,
            (_, false) => found.foreign.push(name),
            (_, true) => {}
        }
    }
    Ok(found)
}

/// Looks at everything; changes nothing.
pub fn observe(booted: bool, deadline: &Deadline) -> Result<Containerd> {
    let mut containerd = Containerd { sandboxes: connect(deadline), ..Containerd::default() };
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
    match namespaces() {
        Ok(found) => (containerd.kubernetes, containerd.foreign) = (found.kubernetes, found.foreign),
        // A broken database is a reason to wipe; but not where others are known to use it.
        Err(error) if OTHERS.iter().any(|path| Path::new(path).exists()) => {
            containerd.unreadable = Some(format!("{error:#}"));
        }
        Err(_) => containerd.debris = true,
    }
    // Shims of other namespaces have their state here even if the database does not know them.
    for name in files::names(format!("{}/io.containerd.runtime.v2.task", CONTAINERD[1]))? {
        let name = name.to_string_lossy().into_owned();
        let busy = !files::names(format!("{}/io.containerd.runtime.v2.task/{name}", CONTAINERD[1]))?.is_empty();
        if name != "k8s.io" && busy && !containerd.foreign.contains(&name) {
            containerd.foreign.push(name);
        }
    }
    containerd.debris |= debris()?;
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

/// Directories in which pods leave traces that outlive them.
pub fn pod_directories() -> Vec<String> {
    let mut list = Vec::new();
    for base in CONTAINERD {
        list.push(format!("{base}/io.containerd.runtime.v2.task/k8s.io"));
        // The CRI plugin's own, before and since containerd 2.
        for plugin in ["io.containerd.grpc.v1.cri", "io.containerd.sandbox.controller.v1.podsandbox"] {
            list.push(format!("{base}/{plugin}/sandboxes"));
            list.push(format!("{base}/{plugin}/containers"));
        }
    }
    list
}

fn debris() -> Result<bool> {
    for directory in pod_directories() {
        if !files::names(&directory)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn connect(deadline: &Deadline) -> Result<Vec<Sandbox>, String> {
    let listed = Client::connect(SOCKET, &deadline.at_most(Duration::from_secs(10)))
        .and_then(|mut client| client.list_pod_sandbox());
    listed.map_err(|error| error.to_string())
}
