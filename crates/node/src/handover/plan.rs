//! What has to go, decided from what was found alone.

use super::cache::Attachment;
use super::observe::State;
use crate::placeholder::Placeholder;
use ansible::{Diff, Outcome};
use host::links::Link;
use std::path::PathBuf;

/// The hand-over, in the order in which it is done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Placeholder files to delete: first, so that no new pod is made on it.
    pub placeholders: Vec<PathBuf>,
    /// The network that has to be in force afterwards.
    pub network: Option<String>,
    /// Attachments to take back.
    pub attachments: Vec<Attachment>,
    /// Sandboxes to recreate, as (id, `namespace/name`).
    pub sandboxes: Vec<(String, String)>,
    /// Bridges to delete, as the kernel showed them.
    pub bridges: Vec<Link>,
    /// Lease files to delete.
    pub leases: Vec<PathBuf>,
    /// The sentence for the person.
    pub reason: String,
}

/// Decides.
pub fn plan(placeholder: &Placeholder, state: &State) -> Plan {
    if !state.has_placeholder() {
        let reason = match &state.real {
            Some(real) => format!("{} is in force and no placeholder is left", real.path.display()),
            None => "there is no placeholder".to_owned(),
        };
        return Plan { reason, ..Plan::default() };
    }
    let Some(real) = &state.real else {
        return Plan {
            reason: format!(
                "only the placeholder is in {} yet: it stays until the real configuration comes",
                placeholder.conf_dir.display()
            ),
            ..Plan::default()
        };
    };
    let on_placeholder = |id: &String| state.attachments.iter().any(|a| &a.container == id);
    let alive = |id: &String| state.sandboxes.iter().any(|(s, _)| s == id);
    Plan {
        placeholders: state.placeholders.clone(),
        network: real.network.as_ref().ok().map(|n| n.name.clone()),
        attachments: state.attachments.clone(),
        sandboxes: state.sandboxes.iter().filter(|(id, _)| on_placeholder(id)).cloned().collect(),
        bridges: bridges(placeholder, state),
        // A lease of a sandbox that lives on the real network is not ours, even in a directory of the same name.
        leases: state
            .leases
            .iter()
            .filter(|(_, id)| on_placeholder(id) || !alive(id))
            .map(|(path, _)| path.clone())
            .collect(),
        reason: format!("handed over to {}", real.path.display()),
    }
}

/// Bridges that only placeholder pods hang on. The real network may use a bridge of the same name (flannel's is cni0
/// too): one whose ports belong to other pods as well is theirs by now.
fn bridges(placeholder: &Placeholder, state: &State) -> Vec<Link> {
    let made_with =
        state.attachments.iter().filter_map(|a| a.network.plugins.first()?.get("ipam")?.get("subnet")?.as_str());
    let subnets: Vec<&str> = made_with.chain([placeholder.subnet.as_str()]).collect();
    let ports = |index: u32| state.links.iter().filter(|l| l.master == Some(index)).count();
    let wide = |link: &Link| {
        link.addresses.iter().any(|a| a.network().is_ok_and(|n| subnets.contains(&n.to_string().as_str())))
    };
    let spare = |link: &&Link| {
        ports(link.index) <= state.attachments.len()
            && (wide(link) || ports(link.index) == 0 && link.addresses.is_empty())
    };
    state.bridges.iter().filter(spare).cloned().collect()
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.steps().is_empty()
    }

    /// What is there and will not be.
    fn diff(&self) -> Vec<Diff> {
        let steps = self.steps();
        if steps.is_empty() { Vec::new() } else { vec![Diff::list("the placeholder on this node", &steps, &[])] }
    }
}

impl Plan {
    fn steps(&self) -> Vec<String> {
        let mut steps: Vec<String> = self.placeholders.iter().map(|p| format!("delete {}", p.display())).collect();
        steps.extend(self.sandboxes.iter().map(|(_, pod)| format!("recreate pod {pod}")));
        steps.extend(self.bridges.iter().map(|bridge| format!("delete bridge {}", bridge.name)));
        steps.extend(self.leases.iter().map(|p| format!("delete {}", p.display())));
        steps.extend(self.attachments.iter().map(|a| format!("forget {}", a.file.display())));
        steps
    }

    /// The result: `steps` and `network`.
    pub fn outcome(&self) -> Outcome {
        let mut outcome = Outcome::new().msg(self.reason.clone()).field("steps", self.steps());
        if let Some(network) = &self.network {
            outcome.set("network", network);
        }
        outcome
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
