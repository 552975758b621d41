//! What is here, what is offered, and what the offered one makes of the configuration.

use crate::args::Args;
use crate::conversion::{self, Conversion, Converter};
use crate::journal::{self, Begun, Step};
use crate::known::{self, Known};
use crate::offer::{self, Offer};
use crate::package;
use crate::version::Version;
use ansible::Run;
use anyhow::{Context as _, ensure};
use host::deadline::Deadline;
use host::process::Program;
use host::{processes, space, systemd};
use kubeadm::kubeconfig::{self, Client, KUBELET_CONF};
use kubeadm::own_node::{self, Answer};
use node::containerd::config::Config;
use node::containerd::service::{Service, UNIT};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// Shims of the runtimes v1, for which containerd 2 has no client.
const OLD_SHIMS: [&str; 2] = ["containerd-shim", "containerd-shim-runc-v1"];
/// A question to the cluster.
const QUESTION: Duration = Duration::from_secs(10);

/// What was found.
pub enum State {
    /// An earlier run was cut off.
    Unfinished(Box<(Begun, Step)>),
    /// Everything else.
    Found(Box<Found>),
}

/// See above.
pub struct Found {
    /// The words that it is started with, behind the program.
    pub words: Vec<String>,
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
    /// runc's.
    pub runc: Option<Version>,
    /// The package that it came with.
    pub owner: Option<String>,
    /// What is offered.
    pub offer: Offer,
    /// The configuration, converted; none when nothing newer is offered.
    pub conversion: Option<Conversion>,
    /// What Kubernetes has in it.
    pub known: Known,
    /// Who else has something in it.
    pub others: Vec<String>,
    /// containerd's own warnings.
    pub deprecations: Vec<String>,
    /// Shims that containerd 2 does not speak with, by number.
    pub old_shims: Vec<i32>,
    /// Packages that upgrades leave alone.
    pub held: Vec<String>,
    /// What apt would do besides.
    pub consequences: Vec<String>,
    /// Bytes that the copies take, and that there are.
    pub bytes: (u64, u64),
    /// The kubelet's version, and whether it runs.
    pub kubelet: (Option<kubeadm::version::Version>, bool),
    /// The machine's Node, when the cluster answers and it is Ready: name, and since when.
    pub node: Option<(String, Option<String>)>,
    /// Where containerd keeps what it knows.
    pub root: PathBuf,
    /// The main configuration file.
    pub main: PathBuf,
    /// Everything of the offer lies here, and goes with it.
    _scratch: TempDir,
}

/// Looks.
pub fn observe(args: &Args, run: &Run) -> anyhow::Result<State> {
    let deadline = &run.deadline;
    if let Some(unfinished) = journal::unfinished()? {
        return Ok(State::Unfinished(Box::new(unfinished)));
    }
    run.phase("looking at containerd");
    let unit = Service::observe(deadline)?;
    ensure!(unit.load == "loaded", "there is no {UNIT} to upgrade: systemd says that it is {}", unit.load);
    let program = unit.program().context("containerd.service names no program")?;
    let version = ask(&program, Version::of_containerd, deadline)?;
    let known = known::look(args.socket_path(), &deadline.at_most(Duration::from_secs(30)))
        .context("containerd has to work before it is upgraded, so that it can be told whether it does afterwards")?;
    let owner = package::owner(&program, deadline);
    let scratch = tempfile::Builder::new()
        .prefix(".kubejoin-")
        .tempdir_in("/var/lib")
        .context("making a directory in /var/lib")?;
    run.phase("unpacking what is offered");
    let offer = offer::offer(args, owner.as_deref(), scratch.path(), deadline)?;
    let main = unit.config_path().to_owned();
    let dump = conversion::dump(&program, &main, deadline).context("having containerd read its configuration")?;
    let newer = offer.version.numbers > version.numbers;
    let conversion = newer
        .then(|| {
            run.phase("converting the configuration");
            let config = Config::load(&main)?.for_release(Some(version.release()));
            let target = offer.version.release();
            let (program, first) = (&offer.program, version.numbers.0 < 2);
            Converter { config: &config, dump: &dump, program, target, scratch: scratch.path(), first }
                .convert(deadline)
        })
        .transpose()?;
    let own: Vec<String> = offer.debs.iter().map(|(name, _)| name.clone()).collect();
    let debs: Vec<PathBuf> = offer.debs.iter().map(|(_, path)| path.clone()).collect();
    let consequences =
        if newer && !debs.is_empty() { package::consequences(&debs, &own, deadline)? } else { Vec::new() };
    let state = systemd::active_state("kubelet.service", deadline)?;
    let active = systemd::is_up(&state);
    Ok(State::Found(Box::new(Found {
        words: unit.words,
        runc: ask(Path::new("runc"), Version::of_runc, deadline).ok(),
        others: known::others(args.socket_path(), deadline)?,
        deprecations: known::deprecations(args.socket_path(), deadline),
        old_shims: old_shims()?,
        held: own.iter().filter(|name| package::held(name, deadline)).cloned().collect(),
        consequences,
        bytes: (copies(&offer, &program), space::of("/var/lib")?.available),
        kubelet: (kubeadm::program::kubelet_version(deadline), active),
        node: if active { own_node(deadline) } else { None },
        root: root(&dump),
        program,
        version,
        owner,
        offer,
        conversion,
        known,
        main,
        _scratch: scratch,
    })))
}

fn ask(program: &Path, read: fn(&str) -> Option<Version>, deadline: &Deadline) -> anyhow::Result<Version> {
    let said = Program::new(program).args(["--version"]).env("PATH", kubeadm::program::search_path()).run(deadline)?;
    let said = said.success()?.stdout_text();
    read(&said).with_context(|| format!("asking {} for its version: it says {:?}", program.display(), said.trim()))
}

/// Shims of containerd 1 that 2 has no client for.
fn old_shims() -> anyhow::Result<Vec<i32>> {
    let all = processes::list()?;
    let old = |process: &&processes::Process| process.program().is_some_and(|name| OLD_SHIMS.contains(&name));
    Ok(all.iter().filter(old).map(|process| process.pid).collect())
}

/// The Node of the kubelet's own credentials, when the cluster has it.
pub fn own_node(deadline: &Deadline) -> Option<(String, Option<String>)> {
    let kubeconfig = kubeconfig::read(KUBELET_CONF).ok().flatten()?;
    let Client::Good { node: Some(name) } = kubeconfig.client(SystemTime::now()) else { return None };
    match own_node::ask(&name, &deadline.at_most(QUESTION)) {
        // What is not Ready before need not be afterwards.
        Answer::Node(node) if kubeadm::conditions::is_ready(&node) => {
            let since = crate::prove::ready_since(&node);
            Some((name, since))
        }
        _ => None,
    }
}

fn root(dump: &str) -> PathBuf {
    let document: Option<toml_edit::DocumentMut> = dump.parse().ok();
    let root = document.as_ref().and_then(|document| document.get("root")?.as_str()).unwrap_or("/var/lib/containerd");
    root.into()
}

/// What the copies will take: the new programs, the old ones, and packages made of them.
fn copies(offer: &Offer, program: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.len());
    let folder = program.parent().unwrap_or(Path::new("/"));
    let old: u64 = [
        "containerd",
        "ctr",
        "containerd-shim-runc-v2",
        "containerd-shim",
        "containerd-shim-runc-v1",
        "containerd-stress",
    ]
    .iter()
    .map(|name| size(&folder.join(name)))
    .sum();
    let new: u64 =
        offer.debs.iter().map(|(_, path)| size(path)).chain(offer.programs.iter().map(|(_, path)| size(path))).sum();
    // What was there, once as files and once as a package.
    2 * old + new + 64_000_000
}
