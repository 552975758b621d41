//! The proof: everything that was there before is there, and what a node is for still works.

use crate::conversion;
use crate::journal::Begun;
use crate::known::{self, Known};
use crate::settings::Settings;
use anyhow::{Context as _, bail, ensure};
use cri::{Client, NewSandbox};
use host::deadline::{Deadline, Look};
use host::systemd;
use kubeadm::conditions;
use kubeadm::own_node::{self, Answer};
use node::containerd::journal;
use node::containerd::service::UNIT;
use serde_json::Value;
use std::fmt;
use std::time::{Duration, SystemTime};

/// How long a new one may take to be there. Its unit's own limit is 90 s.
const START: Duration = Duration::from_secs(100);
/// How long it may take to load the network's configuration after it answers.
const NETWORK: Duration = Duration::from_secs(20);
/// How long the kubelet may take to say which runtime it has: it asks once a minute.
const NODE: Duration = Duration::from_secs(120);
/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);

/// One part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// It starts and answers over CRI.
    Answers,
    /// It is the version that was to come.
    Version,
    /// Every setting is in force.
    Settings,
    /// The same network.
    Network,
    /// Every pod's sandbox.
    Sandboxes,
    /// Every container.
    Containers,
    /// Every image.
    Images,
    /// A new pod gets an address.
    NewPod,
    /// The Node is Ready and says the new version.
    Node,
}

impl Proof {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Proof::Answers => "answers",
            Proof::Version => "version",
            Proof::Settings => "settings",
            Proof::Network => "network",
            Proof::Sandboxes => "sandboxes",
            Proof::Containers => "containers",
            Proof::Images => "images",
            Proof::NewPod => "new_pod",
            Proof::Node => "node",
        }
    }
}

/// A part that failed, and why.
#[derive(Debug)]
pub struct Failed {
    /// Which.
    pub proof: Proof,
    /// Why.
    pub why: String,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the proof {} failed: {}", self.proof.name(), self.why)
    }
}

impl std::error::Error for Failed {}

fn part<T>(proof: Proof, result: anyhow::Result<T>) -> anyhow::Result<T> {
    result.map_err(|error| Failed { proof, why: format!("{error:#}") }.into())
}

/// Starts containerd and proves everything but the Node. Gives back what is known then.
pub fn runtime(begun: &Begun, socket: &str, deadline: &Deadline) -> anyhow::Result<Known> {
    let known = part(Proof::Answers, start(socket, deadline))?;
    part(Proof::Version, is_version(&known.version, &begun.to.text))?;
    part(Proof::Settings, settings(begun, deadline))?;
    let known = part(Proof::Network, network(begun, socket, known, deadline))?;
    part(Proof::Sandboxes, sandboxes(&begun.known, &known))?;
    part(Proof::Containers, containers(&begun.known, &known))?;
    part(Proof::Images, images(&begun.known, &known))?;
    if begun.known.network.is_some() {
        part(Proof::NewPod, new_pod(socket, begun.known.systemd_cgroup, deadline))?;
    }
    Ok(known)
}

/// Starts it and waits until it answers.
pub fn start(socket: &str, deadline: &Deadline) -> anyhow::Result<Known> {
    let limit = deadline.at_most(START);
    let since = SystemTime::now();
    systemd::reset_failed(UNIT, &limit).ok();
    if let Err(error) = systemd::start(UNIT, &limit) {
        bail!("starting containerd: {}", journal::answer(UNIT, since).unwrap_or_else(|| format!("{error:#}")));
    }
    limit.poll(EVERY, "an answer from containerd over CRI", || {
        let one = limit.at_most(Duration::from_secs(10));
        let mut client = match Client::connect(socket, &one) {
            Ok(client) => client,
            Err(error @ cri::Error::NoCri { .. }) => {
                bail!("it runs without CRI: {}", journal::answer(UNIT, since).unwrap_or_else(|| error.to_string()))
            }
            Err(error) => return Ok(Look::NotYet(error.to_string())),
        };
        match client.status() {
            Ok(status) if status.holds(cri::RUNTIME_READY) => Ok(Look::Ready(known::look(socket, &one)?)),
            Ok(_) => Ok(Look::NotYet("it is not ready".into())),
            Err(error) => Ok(Look::NotYet(error.to_string())),
        }
    })
}

fn is_version(now: &str, wanted: &str) -> anyhow::Result<()> {
    ensure!(now == wanted, "it says that it is {now}, and {wanted} was to come: the unit starts another program");
    Ok(())
}

fn settings(begun: &Begun, deadline: &Deadline) -> anyhow::Result<()> {
    let dump = conversion::dump(&begun.programs.1, &begun.main, deadline)?;
    let now = Settings::of(&dump.parse().context("reading the output of containerd config dump")?);
    let written: Vec<Settings> = begun
        .config
        .iter()
        .filter_map(|file| file.after.parse().ok())
        .map(|document| Settings::of(&document))
        .collect();
    let differs = begun.expected.differences(&now, &written, begun.to.release());
    ensure!(differs.is_empty(), "{}", differs.iter().map(|one| one.words()).collect::<Vec<_>>().join("; "));
    Ok(())
}

fn network(begun: &Begun, socket: &str, first: Known, deadline: &Deadline) -> anyhow::Result<Known> {
    if begun.known.network.is_none() || begun.known.network == first.network {
        return Ok(first);
    }
    deadline.at_most(NETWORK).poll(EVERY, "the network that was in force", || {
        let known = known::look(socket, deadline)?;
        Ok(if known.network == begun.known.network {
            Look::Ready(known)
        } else if known.network.is_none() {
            Look::NotYet("it has no network".into())
        } else {
            Look::NotYet("it has another network".into())
        })
    })
}

/// Pods that were announced to be ended are not looked for.
fn sandboxes(before: &Known, now: &Known) -> anyhow::Result<()> {
    let lost: Vec<&str> = before
        .pods
        .iter()
        .filter(|(id, pod)| !before.leaking.contains(pod) && !now.pods.iter().any(|(there, _)| there == id))
        .map(|(_, pod)| pod.as_str())
        .collect();
    ensure!(lost.is_empty(), "these pods run no more: {}", lost.join(", "));
    Ok(())
}

/// Every one is still known. One that has ended by itself meanwhile is no fault; that none runs any more is.
fn containers(before: &Known, now: &Known) -> anyhow::Result<()> {
    if !before.leaking.is_empty() {
        // Theirs go with their pods, and which those are only the kubelet knows.
        return Ok(());
    }
    let there = |id: &String| now.containers.iter().find(|(there, _, _)| there == id);
    let missing: Vec<&str> =
        before.containers.iter().filter(|(id, _, _)| there(id).is_none()).map(|(_, name, _)| name.as_str()).collect();
    ensure!(missing.is_empty(), "these containers are gone: {}", missing.join(", "));
    let ran: Vec<&String> = before.containers.iter().filter(|(_, _, ran)| *ran).map(|(id, _, _)| id).collect();
    let runs = ran.iter().any(|id| there(id).is_some_and(|(_, _, runs)| *runs));
    ensure!(ran.is_empty() || runs, "none of the {} containers that ran runs any more", ran.len());
    Ok(())
}

fn images(before: &Known, now: &Known) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        before.images.iter().filter(|image| !now.images.contains(image)).map(String::as_str).collect();
    ensure!(
        missing.is_empty(),
        "{} of {} images are gone, {} among them",
        missing.len(),
        before.images.len(),
        missing.first().unwrap_or(&"")
    );
    Ok(())
}

/// Makes a pod of its own, sees that it has an address, and takes it away.
pub fn new_pod(socket: &str, systemd_cgroup: bool, deadline: &Deadline) -> anyhow::Result<()> {
    let limit = deadline.at_most(Duration::from_secs(60));
    let mut client = Client::connect(socket, &limit)?;
    let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_nanos());
    let name = "kubejoin-proof".to_owned();
    let new = NewSandbox {
        uid: format!("kubejoin-{moment}"),
        hostname: name.clone(),
        name,
        namespace: "kube-system".into(),
        cgroup_parent: if systemd_cgroup { "system.slice".into() } else { String::new() },
        labels: vec![("kubejoin".into(), "proof".into())],
    };
    let id = client.run_pod_sandbox(&new).context("making a pod")?;
    let status = client.pod_sandbox_status(&id);
    client.stop_pod_sandbox(&id).context("ending that pod")?;
    client.remove_pod_sandbox(&id).context("removing that pod")?;
    let status = status.context("looking at that pod")?;
    ensure!(!status.ips.is_empty(), "a new pod has no address");
    Ok(())
}

/// Starts the kubelet and waits until its Node is Ready with the runtime's version.
pub fn node(begun: &Begun, version: &str, deadline: &Deadline) -> anyhow::Result<Option<Value>> {
    if !begun.kubelet {
        return Ok(None);
    }
    part(Proof::Node, wait_for_node(begun, version, deadline))
}

fn wait_for_node(begun: &Begun, version: &str, deadline: &Deadline) -> anyhow::Result<Option<Value>> {
    systemd::start("kubelet.service", deadline)?;
    let Some(name) = &begun.node else { return Ok(None) };
    let wanted = format!("containerd://{version}");
    let found = deadline.at_most(NODE).poll(Duration::from_millis(500), "the Node to be Ready with it", || {
        Ok(match own_node::ask(name, &deadline.at_most(Duration::from_secs(5))) {
            Answer::Node(node) => {
                let says =
                    node["status"]["nodeInfo"]["containerRuntimeVersion"].as_str().unwrap_or_default().to_owned();
                match (conditions::is_ready(&node), says == wanted) {
                    (true, true) => Look::Ready(node),
                    (false, _) => Look::NotYet(format!("Node {name} is not Ready")),
                    (true, false) => Look::NotYet(format!("Node {name} says {says}")),
                }
            }
            other => Look::NotYet(format!("{other:?}")),
        })
    })?;
    Ok(Some(*found))
}

/// When it became Ready, as the cluster says.
pub fn ready_since(node: &Value) -> Option<String> {
    conditions::ready(node)?["lastTransitionTime"].as_str().map(str::to_owned)
}
