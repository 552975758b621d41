//! What there is of the placeholder, and whether the real network has come.

use super::cache::{self, Attachment};
use crate::placeholder::{Placeholder, is_placeholder};
use cri::Client;
use host::cni::Conf;
use host::deadline::{Deadline, Look};
use host::links::{self, Link};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// Placeholder files.
    pub placeholders: Vec<PathBuf>,
    /// The real configuration: the first working one that is no placeholder.
    pub real: Option<Conf>,
    /// Attachments made by a placeholder.
    pub attachments: Vec<Attachment>,
    /// Sandboxes the runtime knows, as (id, `namespace/name`).
    pub sandboxes: Vec<(String, String)>,
    /// Bridges that placeholders of this node make, if they are there.
    pub bridges: Vec<Link>,
    /// All links, to tell the bridges' ports.
    pub links: Vec<Link>,
    /// Lease files of the placeholder's network, as (path, container id).
    pub leases: Vec<(PathBuf, String)>,
}

impl State {
    /// Whether anything of a placeholder is left on this node.
    pub fn has_placeholder(&self) -> bool {
        !self.placeholders.is_empty() || !self.attachments.is_empty()
    }
}

/// While a placeholder is there and the real configuration is not, waits for that.
pub fn wait(placeholder: &Placeholder, deadline: &Deadline) -> anyhow::Result<()> {
    let what = format!("a real CNI configuration beside the placeholder in {}", placeholder.conf_dir.display());
    deadline.poll(Duration::from_millis(250), &what, || {
        let state = files(placeholder)?;
        Ok(if state.real.is_some() || state.placeholders.is_empty() {
            Look::Ready(())
        } else {
            Look::NotYet("the placeholder alone; is the CNI's DaemonSet running on this node?".into())
        })
    })
}

/// Reads it.
pub fn observe(placeholder: &Placeholder, deadline: &Deadline) -> anyhow::Result<State> {
    let mut state = files(placeholder)?;
    let of_placeholder = |a: &Attachment| is_placeholder(&a.network);
    state.attachments = cache::attachments(Path::new(cache::RESULTS))?.into_iter().filter(of_placeholder).collect();
    if state.has_placeholder() {
        details(placeholder, &mut state, deadline)?;
    }
    Ok(state)
}

/// The configuration files alone.
fn files(placeholder: &Placeholder) -> anyhow::Result<State> {
    let confs = host::cni::load(&placeholder.conf_dir)?;
    let ours = |c: &&Conf| c.network.as_ref().is_ok_and(is_placeholder);
    let real = |c: &&Conf| c.network.as_ref().is_ok_and(|n| !n.is_loopback_only() && !is_placeholder(n));
    Ok(State {
        placeholders: confs.iter().filter(ours).map(|c| c.path.clone()).collect(),
        real: confs.iter().find(real).cloned(),
        ..State::default()
    })
}

fn details(placeholder: &Placeholder, state: &mut State, deadline: &Deadline) -> anyhow::Result<()> {
    // Without a runtime there is no sandbox that could be on the placeholder; what is left of it still goes.
    if let Ok(mut cri) = Client::connect(&placeholder.socket, &deadline.at_most(Duration::from_secs(5))) {
        let name = |s: cri::Sandbox| (s.id, format!("{}/{}", s.namespace, s.name));
        state.sandboxes = cri.list_pod_sandbox()?.into_iter().map(name).collect();
    }
    state.links = links::list(deadline)?;
    let bridge_of = |n: &host::cni::Network| n.plugins[0]["bridge"].as_str().map(str::to_owned);
    let mut names: Vec<String> = state.attachments.iter().filter_map(|a| bridge_of(&a.network)).collect();
    names.push(placeholder.bridge.clone());
    state.bridges = state.links.iter().filter(|l| l.kind == "bridge" && names.contains(&l.name)).cloned().collect();
    let mut networks: Vec<String> = state.attachments.iter().map(|a| a.network.name.clone()).collect();
    networks.push(placeholder.name.clone());
    networks.sort_unstable();
    networks.dedup();
    for network in networks {
        let dir = Path::new("/var/lib/cni/networks").join(network);
        for name in host::files::names(&dir)? {
            // host-local's lease files are named by address and hold the container's id in their first line.
            if name.to_str().is_some_and(|n| n.parse::<std::net::IpAddr>().is_ok())
                && let Some(text) = host::files::read_text(dir.join(&name))?
            {
                let id = text.lines().next().unwrap_or_default().trim().to_owned();
                state.leases.push((dir.join(&name), id));
            }
        }
    }
    Ok(())
}
