//! What has to be done, decided from options and state alone.

use crate::args::{Args, Profile, State as Wanted};
use crate::observe::State;
use crate::template;
use ansible::{Diff, Outcome};
use host::cni::{Conf, Network};
use node::placeholder::is_placeholder;
use std::path::PathBuf;

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make a directory with mode 0755.
    MakeDir(PathBuf),
    /// Link a plugin of the distribution into the plugin directory.
    Link {
        /// The distribution's plugin.
        target: PathBuf,
        /// The link.
        path: PathBuf,
    },
    /// Write the configuration, mode 0644.
    Write {
        /// The file.
        path: PathBuf,
        /// Its content now, empty when it is not there.
        before: String,
        /// Its content then.
        after: String,
    },
    /// Delete the configuration.
    Delete {
        /// The file.
        path: PathBuf,
        /// Its content now.
        before: String,
    },
}

/// The steps, and why there is none for the file when there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<Step>,
    /// The sentence for the person.
    pub reason: String,
    /// What the person ought to know besides.
    pub warnings: Vec<String>,
}

/// Decides.
pub fn plan(args: &Args, state: &State) -> Plan {
    let mut plan = Plan::default();
    match args.state {
        Wanted::Present => {
            directories(args, state, &mut plan);
            present(args, state, &mut plan);
        }
        Wanted::Absent => absent(args, state, &mut plan),
        // Planned from what the node made of the placeholder: see `handover`.
        Wanted::Handover => {}
    }
    plan
}

fn directories(args: &Args, state: &State, plan: &mut Plan) {
    let dirs = [(state.has_conf_dir, args.conf_dir().to_owned()), (state.has_plugin_dir, args.plugin_dir.clone())];
    plan.steps.extend(dirs.into_iter().filter(|(there, _)| !there).map(|(_, dir)| Step::MakeDir(dir)));
    let link = |name| Step::Link { target: args.plugin_source.join(name), path: args.plugin_dir.join(name) };
    plan.steps.extend(state.unlinked.iter().map(link));
}

fn present(args: &Args, state: &State, plan: &mut Plan) {
    let path = args.path();
    let wanted = template::render(args);
    let current = state.current.as_deref().map(|b| String::from_utf8_lossy(b).into_owned());
    let ours = state.confs.iter().find(|c| c.path == path).and_then(|c| c.network.as_ref().ok());
    if let Some(working) = state.confs.iter().find(|c| c.path != path && is_working(c, state)) {
        let name = working.path.display();
        plan.reason = format!("{name} configures a CNI already: no placeholder is needed");
        if ours.is_some_and(is_placeholder) && path < working.path.as_path() {
            plan.warnings.push(format!("the placeholder {} is loaded before {name} and shadows it: pods get addresses that are not this node's; remove it with state=absent", path.display()));
        }
    } else if current.as_deref() == Some(&wanted) {
        plan.reason = format!("{} is as it should be", path.display());
    } else if let Some(theirs) = ours.filter(|n| !replaceable(n)) {
        plan.reason = format!(
            "{} holds the working network {:?}, which is not a placeholder: left as it is",
            path.display(),
            theirs.name
        );
    } else {
        plan.reason = format!("{} is the CNI configuration until the real one comes", path.display());
        plan.steps.push(Step::Write { path: path.to_owned(), before: current.unwrap_or_default(), after: wanted });
    }
    for (dead, why) in state.dead.iter().filter(|(dead, _)| dead != path) {
        let name = dead.display();
        let shadows = if dead.as_path() < path { ", and it is loaded before ours" } else { "" };
        plan.warnings.push(format!(
            "{name} is of a network that does not run on this node: {}{shadows}; move it away unless that network is wanted",
            why.why
        ));
    }
    for conf in &state.confs {
        if let Err(why) = &conf.network
            && conf.path != path
        {
            plan.warnings
                .push(format!("{} {why}: a runtime that reaches it loads no network at all", conf.path.display()));
        }
    }
}

fn absent(args: &Args, state: &State, plan: &mut Plan) {
    let path = args.path();
    let Some(current) = &state.current else {
        plan.reason = format!("{} is not there", path.display());
        return;
    };
    let before = String::from_utf8_lossy(current).into_owned();
    let network = state.confs.iter().find(|c| c.path == path).and_then(|c| c.network.as_ref().ok());
    let ours = match args.profile {
        Profile::Bridge => network.is_some_and(is_placeholder),
        // flannel writes the same path: only what is ours to the byte goes.
        Profile::Flannel => before == template::render(args),
    };
    if ours {
        plan.reason = format!("{} is removed", path.display());
        plan.steps.push(Step::Delete { path: path.to_owned(), before });
    } else {
        plan.reason = format!("{} is not a placeholder of this module: left as it is", path.display());
        plan.warnings.push(plan.reason.clone());
    }
}

/// Whether a file configures a network for pods. An invalid one, or loopback alone, does not, nor one that names a file
/// which is not there; an agent that does not run may only be starting.
fn is_working(conf: &Conf, state: &State) -> bool {
    !state.dead.iter().any(|(path, dead)| *path == conf.path && dead.certain)
        && conf.network.as_ref().is_ok_and(|n| !n.is_loopback_only())
}

/// Whether what stands at our path may be written over: a placeholder or loopback alone may. Everything else is a
/// network that somebody uses; flannel's own file differs from ours in little but its name, and is among them.
fn replaceable(network: &Network) -> bool {
    is_placeholder(network) || network.is_loopback_only()
}

impl ansible::Plan for Plan {
    fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn diff(&self) -> Vec<Diff> {
        self.steps.iter().filter_map(Step::diff).chain(self.links()).collect()
    }
}

impl Plan {
    /// The result: `path`, and `steps` as sentences.
    pub fn outcome(&self, args: &Args) -> Outcome {
        let mut outcome = Outcome::new()
            .msg(self.reason.clone())
            .field("path", args.path().display().to_string())
            .field("steps", self.steps.iter().map(ToString::to_string).collect::<Vec<_>>());
        self.warnings.iter().for_each(|w| outcome.warn(w.clone()));
        outcome
    }

    /// One difference for all links: fourteen of one line each would hide the configuration, which is what matters.
    fn links(&self) -> Option<Diff> {
        let links = self.steps.iter().filter_map(|step| match step {
            Step::Link { target, path } => {
                Some((path, format!("{} -> {}", path.file_name()?.display(), target.display())))
            }
            _ => None,
        });
        let (paths, lines): (Vec<_>, Vec<_>) = links.unzip();
        let dir = paths.first()?.parent()?;
        Some(Diff::list(format!("{}/", dir.display()), &[], &lines))
    }
}

impl Step {
    fn diff(&self) -> Option<Diff> {
        Some(match self {
            Step::MakeDir(path) => Diff::new(path.display().to_string(), "", "directory, mode 0755\n"),
            Step::Link { .. } => return None,
            Step::Write { path, before, after } => Diff::new(path.display().to_string(), before.clone(), after.clone()),
            Step::Delete { path, before } => Diff::new(path.display().to_string(), before.clone(), ""),
        })
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::MakeDir(path) => write!(f, "make directory {}", path.display()),
            Step::Link { target, path } => write!(f, "link {} to {}", path.display(), target.display()),
            Step::Write { path, .. } => write!(f, "write {}", path.display()),
            Step::Delete { path, .. } => write!(f, "delete {}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::cni::Dead;

    fn look(certain: bool) -> Plan {
        let options = crate::args::SPEC.options.iter().map(|option| {
            (
                option.name.to_owned(),
                option.default.map_or(serde_json::Value::Null, |d| serde_json::from_str(d).unwrap()),
            )
        });
        let args: Args = serde_json::from_value(options.collect::<serde_json::Map<_, _>>().into()).unwrap();
        let path = args.conf_dir().join("10-calico.conflist");
        let network = host::cni::parse(br#"{"name":"k8s-pod-network","plugins":[{"type":"calico"}]}"#, true);
        let dead = vec![(path.clone(), Dead { why: "its kubeconfig is not there".into(), certain })];
        let state = State {
            confs: vec![Conf { path, network }],
            dead,
            has_conf_dir: true,
            has_plugin_dir: true,
            ..State::default()
        };
        plan(&args, &state)
    }

    #[test]
    fn a_left_over_file_of_a_network_that_cannot_run_is_no_reason_to_write_nothing() {
        let plan = look(true);
        assert!(plan.steps.iter().any(|step| matches!(step, Step::Write { .. })), "{}", plan.reason);
        assert!(
            plan.warnings[0].contains("10-calico.conflist is of a network that does not run"),
            "{:?}",
            plan.warnings
        );
        let starting = look(false);
        assert!(starting.steps.is_empty() && starting.warnings.len() == 1, "{starting:?}");
    }
}
