//! containerd: its unit, its configuration, and what it says of itself, as far as it answers.

use super::{Missed, patiently};
use crate::args::Args;
use cri::{CgroupDriver, Client, Error, SandboxStatus, Status, Version};
use host::deadline::Deadline;
use host::{journal, systemd};
use node::containerd::config::{Config, edit::has_section, effect, names::CRI_PLUGINS, paths::value};
use node::containerd::release::Release;
use node::containerd::{ImageFilesystem, image_filesystem, release, service};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The unit.
pub const UNIT: &str = "containerd.service";
/// How long containerd's answers are waited for: an answer takes milliseconds.
const ANSWER: Duration = Duration::from_secs(5);
/// How far back a pod that could not be started is of interest: the kubelet tries again every few minutes.
const RECENT: Duration = Duration::from_secs(600);
/// How many pods are looked at closely.
const PODS: usize = 250;

/// What was seen of containerd.
#[derive(Debug)]
pub struct Runtime {
    /// Its program is installed.
    pub installed: bool,
    /// Its unit; none when systemd does not answer.
    pub unit: Option<Unit>,
    /// The socket asked.
    pub socket: String,
    /// What it answered, or why it did not.
    pub answer: Result<Answer, Error>,
    /// The main file of its configuration.
    pub path: PathBuf,
    /// Its configuration, or why that cannot be read.
    pub config: Result<Configured, String>,
    /// The end of its journal; only when it does not answer.
    pub journal: String,
}

impl Default for Runtime {
    fn default() -> Self {
        let answer = Err(Error::SocketMissing { socket: String::new() });
        let (config, socket, journal) = (Ok(Configured::default()), String::new(), String::new());
        Runtime { installed: false, unit: None, socket, answer, path: PathBuf::new(), config, journal }
    }
}

/// A unit, by systemd's properties.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// LoadState.
    pub load: String,
    /// ActiveState.
    pub active: String,
    /// Result of its last run.
    pub result: String,
    /// UnitFileState.
    pub enabled: String,
    /// The configuration that it starts with, when it names one.
    pub config: Option<PathBuf>,
}

/// An answering containerd.
#[derive(Debug)]
pub struct Answer {
    /// Who answers.
    pub version: Version,
    /// What it says of itself.
    pub status: Status,
    /// RuntimeConfig's word, from 2.0 on.
    pub driver: Option<CgroupDriver>,
    /// Where images lie.
    pub images: Result<ImageFilesystem, String>,
    /// Its pods.
    pub pods: Vec<SandboxStatus>,
}

/// What the configuration files say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// The main file's version.
    pub version: i64,
    /// How many files there are, imports included.
    pub files: usize,
    /// CRI plugins that are disabled.
    pub disabled: Vec<String>,
    /// SystemdCgroup of the runtime runc, when a file says so.
    pub systemd_cgroup: Option<bool>,
    /// The socket that a file names.
    pub socket: Option<String>,
    /// Why this containerd does not start with the files.
    pub refused: Option<String>,
    /// What of the files this containerd passes over.
    pub passed_over: Vec<String>,
}

impl Runtime {
    /// Its status, when it answers.
    pub fn status(&self) -> Option<&Status> {
        self.answer.as_ref().ok().map(|a| &a.status)
    }

    /// Where it keeps images and snapshots, by its own word.
    pub fn root_dir(&self) -> Option<&str> {
        self.status()?.info.get("config")?.get("containerdRootDir")?.as_str()
    }

    /// Its pods; none when it does not answer.
    pub fn pods(&self) -> &[SandboxStatus] {
        self.answer.as_ref().map_or(&[], |a| &a.pods)
    }
}

/// Looks.
pub fn observe(args: &Args, deadline: &Deadline, missed: &mut Missed) -> Runtime {
    let limit = deadline.at_most(ANSWER);
    let answer = ask(args.socket(), &limit);
    let unit = missed.or_default("containerd's unit", unit(deadline).map(Some));
    let named = args.config_path.as_deref().or(unit.as_ref().and_then(|unit| unit.config.as_deref()));
    let path = named.unwrap_or(Path::new(service::CONFIG)).to_owned();
    let release = match &answer {
        Ok(answer) => Release::parse(&answer.version.runtime_version),
        Err(_) => release::installed(&deadline.at_most(ANSWER)),
    };
    let config = Config::load(&path).map(|c| configured(c, release)).map_err(|e| format!("{e:#}"));
    let journal = match &answer {
        // What it says of the pods that it cannot start is in the journal and nowhere else.
        Ok(_) => {
            let since = SystemTime::now().checked_sub(RECENT);
            let said = journal::read(UNIT, 300, since, &deadline.at_most(ANSWER));
            missed.or_default("containerd's journal", said).current().text()
        }
        Err(_) => missed
            .or_default("containerd's journal", journal::read(UNIT, 60, None, &deadline.at_most(ANSWER)))
            .failed()
            .text(),
    };
    let socket = args.socket().to_owned();
    Runtime { installed: release::program().is_some(), unit, socket, answer, path, config, journal }
}

fn unit(deadline: &Deadline) -> anyhow::Result<Unit> {
    let properties = ["LoadState", "ActiveState", "Result", "UnitFileState", "ExecStart"];
    let mut shown = systemd::show(UNIT, &properties, &deadline.at_most(ANSWER))?;
    let mut take = |key: &str| shown.remove(key).unwrap_or_default();
    Ok(Unit {
        load: take("LoadState"),
        active: take("ActiveState"),
        result: take("Result"),
        enabled: take("UnitFileState"),
        config: service::named_by(&take("ExecStart")),
    })
}

fn ask(socket: &str, deadline: &Deadline) -> Result<Answer, Error> {
    let mut client = Client::connect(socket, deadline)?;
    let status = client.status()?;
    let version = client.version().clone();
    let driver = client.cgroup_driver().ok();
    // statvfs of a directory on a dead disk hangs: ask in a thread, with a client of its own.
    let (own, limit) = (socket.to_owned(), *deadline);
    let images = patiently(move || {
        let mut client = Client::connect(&own, &limit).map_err(|e| e.to_string())?;
        image_filesystem(&mut client).map_err(|e| format!("{e:#}"))
    });
    let images = images.unwrap_or_else(|| Err("it does not answer".to_owned()));
    let ids = client.list_pod_sandbox().unwrap_or_default().into_iter().map(|s| s.id);
    let pods = ids.take(PODS).filter_map(|id| client.pod_sandbox_status(&id).ok()).collect();
    Ok(Answer { version, status, driver, images, pods })
}

fn configured(config: Config, release: Option<Release>) -> Configured {
    let unread = effect::unread_drop_ins(&config);
    let config = config.for_release(release);
    let mut found = Configured { version: config.main().version, files: config.files.len(), ..Configured::default() };
    for file in &config.files {
        let disabled = file.document.get("disabled_plugins").and_then(|i| i.as_array());
        let names = disabled.into_iter().flatten().filter_map(|v| v.as_str()).filter(|n| CRI_PLUGINS.contains(n));
        found.disabled.extend(names.map(|n| format!("{n} in {}", file.path.display())));
        // Version 4 has the server's own settings among the plugins'.
        let named = [&["grpc", "address"][..], &["plugins", "io.containerd.server.v1.grpc", "address"]];
        let named = named.iter().find_map(|path| value(&file.document, path)?.as_str().map(str::to_owned));
        found.socket = named.filter(|socket| !socket.is_empty()).or(found.socket);
        let runc = ["plugins", file.names.runtime, "containerd", "runtimes", "runc", "options", "SystemdCgroup"];
        let said = value(&file.document, &runc).and_then(|v| v.as_bool());
        // In 1.x a later file's section replaces an earlier one whole.
        let replaces =
            release.is_some_and(|release| release.major < 2) && has_section(&file.document, file.names.runtime);
        found.systemd_cgroup = if replaces { said } else { said.or(found.systemd_cgroup) };
    }
    if let Some(release) = release {
        found.refused = effect::refusal(&config, release);
        found.passed_over = effect::passed_over(&config, release);
    }
    found.passed_over.extend(unread.iter().map(|path| format!("{}: no file imports it", path.display())));
    found
}
