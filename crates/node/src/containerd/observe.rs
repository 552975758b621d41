//! What is on the node: configuration, CNI configuration, and what containerd itself says, when it answers.

use crate::containerd::args::{Args, BinDir};
use crate::containerd::bin_dir;
use crate::containerd::config::Config;
use crate::containerd::config::effect::unread_drop_ins;
use crate::containerd::release::{self, Release};
use crate::containerd::service::{Service, UNIT};
use anyhow::ensure;
use cri::{Client, Error, Status, Version};
use host::cni::Conf;
use host::deadline::Deadline;
use host::files;
use std::path::{Path, PathBuf};

/// What was found.
#[derive(Debug, Clone)]
pub struct State {
    /// containerd's configuration.
    pub config: Config,
    /// crictl's configuration.
    pub crictl: Option<String>,
    /// Where containerd takes CNI configurations from.
    pub conf_dir: PathBuf,
    /// CNI configurations in load order.
    pub confs: Vec<Conf>,
    /// What containerd says, or why it says nothing.
    pub runtime: Result<Runtime, Error>,
    /// What systemd starts as containerd.
    pub unit: Service,
    /// Drop-ins beside the main file that it does not import.
    pub unread: Vec<PathBuf>,
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

/// How long a containerd that may hang is waited for before it is restarted: an answer takes milliseconds.
const FIRST_ANSWER: std::time::Duration = std::time::Duration::from_secs(10);

/// Reads it.
pub fn observe(args: &Args, deadline: &Deadline) -> anyhow::Result<State> {
    let unit = Service::observe(deadline)?;
    let config = Config::load(chosen(args, &unit)?)?;
    let runtime = ask(args, &deadline.at_most(FIRST_ANSWER.min(args.timeout() / 3)));
    let main = config.main();
    let special = config.files.len() > 1 || config.files.iter().any(|f| f.version != 2);
    let wants_release =
        main.text.is_none() || special || (args.cni_bin_dir() != BinDir::Keep && main.names.has_bin_dirs);
    let release = match &runtime {
        Ok(answer) => Release::parse(&answer.version.runtime_version),
        Err(_) if wants_release => release::installed(deadline),
        Err(_) => None,
    };
    let crictl = match args.crictl_config() {
        Some(path) => files::read_text(path)?,
        None => None,
    };
    let config = config.for_release(release);
    let told = runtime.as_ref().ok().and_then(|answer| answer.status.cni_conf_dir());
    let conf_dir = told.or_else(|| bin_dir::conf_dir(&config)).unwrap_or_else(|| args.cni_conf_dir.clone());
    let (confs, unread) = (host::cni::load(&conf_dir)?, unread_drop_ins(&config));
    Ok(State { config, crictl, conf_dir, confs, runtime, unit, unread, release })
}

/// The file that is edited: the one that containerd reads. Editing another is what nobody can want.
fn chosen<'a>(args: &'a Args, unit: &'a Service) -> anyhow::Result<&'a Path> {
    let Some(path) = args.config_path.as_deref() else { return Ok(unit.config_path()) };
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = unit.load == "loaded" && unit.program.is_some();
    ensure!(
        !known || real(path) == real(unit.config_path()),
        "option config_path is {:?}: {UNIT} starts containerd with {}, which is the file it reads; leave the option out, or change the unit",
        path.display().to_string(),
        unit.config_path().display()
    );
    Ok(path)
}

fn ask(args: &Args, deadline: &Deadline) -> Result<Runtime, Error> {
    let mut client = Client::connect(args.socket_path(), deadline)?;
    Ok(Runtime { version: client.version().clone(), status: client.status()? })
}
