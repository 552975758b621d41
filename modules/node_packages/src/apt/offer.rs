//! What the repositories have, asked with apt in its scratch directory.

use super::certificates;
use super::command::{Apt, Sources};
use super::scratch;
use super::{simulation, words};
use crate::address::Key;
use crate::args::Args;
use crate::choice::{self, Choice};
use crate::machine::Machine;
use crate::need::Need;
use crate::offer::{Offer, file_name, key, names};
use crate::release::Release;
use crate::repository::{Repository, folder};
use crate::sources::File;
use crate::system::System;
use crate::transaction::{Offered, Simulated};
use ansible::Run;
use anyhow::bail;
use host::deadline::Deadline;
use host::files;
use node::os::Family;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of packages that may be wanted.
pub type All = BTreeMap<String, Vec<Offered>>;

/// One index is small; a mirror that does not answer is not waited for longer.
const INDEX: Duration = Duration::from_secs(120);

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
    let scratch = scratch::make()?;
    let mut apt = Apt::new(scratch.path());
    scratch::sources(&scratch, sources)?;
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
        let fetched = |address: &str, doing: &str| fetch(&apt, address, doing, deadline);
        let key = key(&repository, fetched).map_err(|error| {
            let why = format!("{error:#}");
            let others = others(args, machine.os.family, &apt, &repository, release, &why, deadline);
            anyhow::anyhow!("{why}{others}")
        })?;
        let path = scratch.put(Path::new("keys").join(file_name(&repository, &key)), &key)?;
        let name = format!("{}.sources", repository.name);
        scratch.put(Path::new("sources").join(&name), repository.stanza(&path).as_bytes())?;
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
    Ok(Offer { choice, would, repositories: keyed, system: System::Apt(apt), _scratch: scratch })
}

fn fetch(apt: &Apt, address: &str, doing: &str, deadline: &Deadline) -> anyhow::Result<Option<Vec<u8>>> {
    let to = apt.scratch.join("keys/fetched");
    let words = ["download-file", address, &to.display().to_string()];
    apt.must("/usr/lib/apt/apt-helper", Sources::Planned, &words, doing, deadline)?;
    let bytes = files::read_optional(&to)?;
    files::delete_file(&to)?;
    Ok(bytes)
}

/// What apt would do for this choice.
fn simulate(apt: &Apt, choice: &Choice, deadline: &Deadline) -> anyhow::Result<Simulated> {
    let mut words = vec!["-s".to_owned()];
    words.extend(super::work::install_words(&choice.packages, choice.downgrade));
    let doing = format!("finding out what installing {} takes", choice.names().join(", "));
    let output = apt.must("apt-get", Sources::Planned, &words, &doing, deadline)?;
    Ok(simulation::simulated(&output.stdout_text()))
}

fn offered(apt: &Apt, names: &[String], deadline: &Deadline) -> anyhow::Result<All> {
    let mut words = vec!["madison".to_owned()];
    words.extend(names.iter().cloned());
    // It complains of names that nobody has, which is an answer.
    let output = apt.run("apt-cache", Sources::Planned, &words, "asking apt which versions there are", deadline)?;
    Ok(simulation::offered(&output.stdout_text()))
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
