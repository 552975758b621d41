//! What the repositories have of what is needed, and what apt would do: asked in a scratch directory, so that nothing on the
//! machine is another than before.

use crate::address::Key;
use crate::apt::certificates;
use crate::apt::command::{Apt, Sources};
use crate::apt::scratch::Scratch;
use crate::apt::simulation::{self, Offered, Simulated};
use crate::apt::sources::File;
use crate::apt::words;
use crate::args::Args;
use crate::choice::{self, Choice};
use crate::machine::{CONTAINERD, KUBERNETES, Machine};
use crate::need::Need;
use crate::release::Release;
use crate::repository::{Repository, folder};
use ansible::Run;
use anyhow::{Context as _, bail, ensure};
use host::deadline::Deadline;
use host::files;
use node::os::Family;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// Of packages that may be wanted.
pub type All = BTreeMap<String, Vec<Offered>>;

/// One index is small; a mirror that does not answer is not waited for longer.
const INDEX: Duration = Duration::from_secs(120);

/// What is to be installed, and from where.
#[derive(Debug)]
pub struct Offer {
    /// Packages and versions.
    pub choice: Choice,
    /// What apt would do.
    pub would: Simulated,
    /// Repositories with the text of their key.
    pub repositories: Vec<(Repository, Vec<u8>)>,
    /// apt with the scratch directory, which is gone with this.
    pub apt: Apt,
    _scratch: Scratch,
}

/// Asks. `sources` are the machine's as they are to be, without ours.
pub fn ask(
    args: &Args,
    machine: &Machine,
    release: Release,
    need: &Need,
    repositories: Vec<Repository>,
    sources: &[File],
    run: &Run,
) -> anyhow::Result<Offer> {
    let deadline = &run.deadline;
    let scratch = Scratch::make()?;
    let mut apt = Apt::new(scratch.path());
    scratch.sources(sources)?;
    let https = |text: &str| text.starts_with("https:");
    let secured = |one: &Repository| https(&one.address) || matches!(&one.key, Key::Address(address) if https(address));
    if !machine.certificates && repositories.iter().any(secured) {
        run.phase("fetching certificates");
        apt.certificates = Some(certificates::fetch(&apt, deadline)?);
    }
    let mut keyed = Vec::new();
    for repository in repositories {
        run.phase(&format!("asking {}", repository.address));
        // Where the release is not there, its key is what is missed first.
        let key = key(&apt, &repository, deadline).map_err(|error| {
            let why = format!("{error:#}");
            let others = others(args, machine.os.family, &apt, &repository, release, &why, deadline);
            anyhow::anyhow!("{why}{others}")
        })?;
        let path = scratch.key(&file_name(&repository, &key), &key)?;
        let name = format!("{}.sources", repository.name);
        scratch.source(OsStr::new(&name), &repository.stanza(&path))?;
        let limit = deadline.at_most(INDEX);
        let doing = format!("option {}: reading the repository {}", repository.option, repository.address);
        let index = apt.run("apt-get", Sources::One(&name), &["update"], &doing, &limit)?;
        if !index.status.success() {
            let why = words::why(&index);
            bail!("{doing}: {why}{}", others(args, machine.os.family, &apt, &repository, release, &why, &limit));
        }
        keyed.push((repository, key));
    }
    let asked = names(args, need);
    let attempt = || -> anyhow::Result<(Choice, Simulated)> {
        let choice = choice::choose(args, machine, release, need, &offered(&apt, &asked, deadline)?, &keyed[0].0)?;
        let would = simulate(&apt, &choice, deadline)?;
        Ok((choice, would))
    };
    // The machine's own lists may be absent or old.
    let (choice, would) = attempt().or_else(|error| {
        run.phase(&format!("reading the indexes of all sources, because {error:#}"));
        apt.run("apt-get", Sources::Planned, &["update"], "reading the indexes of all sources", deadline)?;
        attempt()
    })?;
    Ok(Offer { choice, would, repositories: keyed, apt, _scratch: scratch })
}

/// What apt would do for this choice.
fn simulate(apt: &Apt, choice: &Choice, deadline: &Deadline) -> anyhow::Result<Simulated> {
    let mut words = vec!["-s".to_owned()];
    words.extend(choice.install_words());
    let doing = format!("finding out what installing {} takes", choice.names().join(", "));
    let output = apt.must("apt-get", Sources::Planned, &words, &doing, deadline)?;
    Ok(simulation::simulated(&output.stdout_text()))
}

fn names(args: &Args, need: &Need) -> Vec<String> {
    let fixed = ["cri-tools", "kubernetes-cni", "containernetworking-plugins"];
    let known = KUBERNETES.iter().chain(&CONTAINERD).chain(&fixed).map(|name| (*name).to_owned());
    known.chain(need.packages.iter().cloned()).chain(args.packages.iter().cloned()).collect()
}

fn offered(apt: &Apt, names: &[String], deadline: &Deadline) -> anyhow::Result<All> {
    let mut words = vec!["madison".to_owned()];
    words.extend(names.iter().cloned());
    // It complains of names that nobody has, which is an answer.
    let output = apt.run("apt-cache", Sources::Planned, &words, "asking apt which versions there are", deadline)?;
    Ok(simulation::offered(&output.stdout_text()))
}

/// The key's bytes, which must look like one.
fn key(apt: &Apt, repository: &Repository, deadline: &Deadline) -> anyhow::Result<Vec<u8>> {
    let option = if repository.option == "containerd_repository" { "containerd_key" } else { "kubernetes_key" };
    let (bytes, from) = match &repository.key {
        Key::Text(text) => return Ok(text.clone().into_bytes()),
        Key::Path(path) => (files::read_optional(path)?, path.clone()),
        Key::Address(address) => match address.strip_prefix("file://") {
            Some(path) => (files::read_optional(path)?, address.clone()),
            None => {
                let to = apt.scratch.join("keys/fetched");
                let words = ["download-file", address, &to.display().to_string()];
                let doing = format!("option {option}: fetching {address}");
                apt.must("/usr/lib/apt/apt-helper", Sources::Planned, &words, &doing, deadline)?;
                let bytes = files::read_optional(&to)?;
                files::delete_file(&to)?;
                (bytes, address.clone())
            }
        },
    };
    let bytes = bytes.with_context(|| format!("option {option}: there is no file {from}"))?;
    let armored = String::from_utf8_lossy(&bytes).contains("-----BEGIN PGP PUBLIC KEY BLOCK-----");
    // A packet of OpenPGP has the highest bit set (RFC 9580, 4.2).
    ensure!(
        armored || bytes.first().is_some_and(|first| first & 0x80 != 0),
        "option {option}: what {from} holds is not a key of OpenPGP"
    );
    Ok(bytes)
}

/// The name of a key's file: apt tells the two forms apart by it.
pub fn file_name(repository: &Repository, key: &[u8]) -> String {
    let armored = key.first().is_some_and(|first| first & 0x80 == 0);
    format!("{}.{}", repository.name, if armored { "asc" } else { "gpg" })
}

/// Where the folder of a release is not there, those that are.
fn others(
    args: &Args,
    family: Family,
    apt: &Apt,
    repository: &Repository,
    release: Release,
    why: &str,
    deadline: &Deadline,
) -> String {
    let absent = ["no repository", "does not have a file", "not signed, or not there", "refuses a file"];
    let own = folder(&args.kubernetes_repository, release.minor, family);
    if repository.address != own || !own.contains("/v1.") || !absent.iter().any(|words| why.contains(words)) {
        return String::new();
    }
    let minors: Vec<u32> = (24..24 + 32).collect();
    let to = |minor: &u32| -> PathBuf { apt.scratch.join(format!("keys/v1.{minor}")) };
    let mut words = vec!["download-file".to_owned()];
    for minor in &minors {
        let other = folder(&args.kubernetes_repository, *minor, family);
        words.extend([format!("{other}InRelease"), to(minor).display().to_string(), String::new()]);
    }
    // It fails for those that are not there.
    let asked = apt.run("/usr/lib/apt/apt-helper", Sources::Planned, &words, "asking for other releases", deadline);
    let there: Vec<String> =
        minors.iter().filter(|minor| to(minor).exists()).map(|minor| format!("1.{minor}")).collect();
    match asked {
        Ok(_) if !there.is_empty() => format!("; it has {}", there.join(", ")),
        _ => String::new(),
    }
}
