//! What is on the node: configuration, CNI configuration, and what containerd itself says, when it answers.

use crate::args::{Args, BinDir};
use crate::config::Config;
use crate::release::{self, Release};
use cri::{Client, Error, Status, Version};
use host::cni::Conf;
use host::deadline::Deadline;
use host::{files, systemd};

/// What was found.
#[derive(Debug, Clone)]
pub struct State {
    /// containerd's configuration.
    pub config: Config,
    /// crictl's configuration.
    pub crictl: Option<String>,
    /// CNI configurations in load order.
    pub confs: Vec<Conf>,
    /// What containerd says, or why it says nothing.
    pub runtime: Result<Runtime, Error>,
    /// The unit, looked at only when containerd does not answer and is to be started.
    pub unit: Option<Unit>,
    /// Which containerd, as far as it was needed and could be told.
    pub release: Option<Release>,
}

/// An answering containerd.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// Who answers.
    pub version: Version,
    /// What it says of itself.
    pub status: Status,
}

/// systemd's view of containerd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// `loaded`, `not-found`, `masked`.
    pub load: String,
    /// `active`, `inactive`, `failed`, …
    pub active: String,
}

/// How long a containerd that may hang is waited for before it is restarted: an answer takes milliseconds.
const FIRST_ANSWER: std::time::Duration = std::time::Duration::from_secs(10);

/// Reads it.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let config = Config::load(&args.config_path)?;
    let runtime = ask(args, &deadline.at_most(FIRST_ANSWER.min(args.timeout() / 3)));
    let main = config.main();
    let old = config.files.iter().any(|f| f.version < 2);
    let wants_release = main.text.is_none() || old || (args.cni_bin_dir() != BinDir::Keep && main.names.has_bin_dirs);
    let release = match &runtime {
        Ok(answer) => Release::parse(&answer.version.runtime_version),
        Err(_) if wants_release => release::installed(deadline),
        Err(_) => None,
    };
    let unit = match (&runtime, args.start) {
        (Err(_), true) => {
            let mut shown = systemd::show("containerd.service", &["LoadState", "ActiveState"], deadline)?;
            let mut take = |key: &str| shown.remove(key).unwrap_or_default();
            Some(Unit { load: take("LoadState"), active: take("ActiveState") })
        }
        _ => None,
    };
    let crictl = match args.crictl_config() {
        Some(path) => files::read_text(path)?,
        None => None,
    };
    let config = config.for_release(release);
    Ok(State { config, crictl, confs: host::cni::load(&args.cni_conf_dir)?, runtime, unit, release })
}

fn ask(args: &Args, deadline: &Deadline) -> Result<Runtime, Error> {
    let mut client = Client::connect(args.socket_path(), deadline)?;
    Ok(Runtime { version: client.version().clone(), status: client.status()? })
}
