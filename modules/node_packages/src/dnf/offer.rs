//! What the repositories have, asked with dnf in its scratch directory.

use super::command::Dnf;
use super::{transaction, words};
use crate::args::Args;
use crate::choice;
use crate::machine::Machine;
use crate::need::Need;
use crate::offer::{Offer, file_name, key, names};
use crate::release::Release;
use crate::repository::Repository;
use crate::scratch::Scratch;
use crate::sources::File;
use crate::system::System;
use crate::transaction::Simulated;
use ansible::Run;
use anyhow::bail;
use host::deadline::Deadline;
use host::files;
use host::process::Program;
use std::path::Path;

/// Packages are downloaded into it: not in memory.
const PARENT: &str = "/var/cache";
const PREFIX: &str = "kubejoin-dnf-";

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
    let scratch = Scratch::make(PARENT, PREFIX, &["repos", "cache", "keys"])?;
    let dnf = Dnf::new(scratch.path());
    for file in sources {
        scratch.put(Path::new("repos").join(file.path.file_name().unwrap_or_default()), file.text.as_bytes())?;
    }
    let mut keyed = Vec::new();
    for repository in repositories {
        run.phase(&format!("asking {}", repository.address));
        let fetched = |address: &str, doing: &str| fetch(&scratch, address, doing, deadline);
        let key = key(&repository, fetched)?;
        let path = scratch.put(Path::new("keys").join(file_name(&repository, &key)), &key)?;
        let name = format!("{}.repo", repository.name);
        scratch.put(Path::new("repos").join(&name), repository.section(&path, false).as_bytes())?;
        let doing = format!("option {}: reading the repository {}", repository.option, repository.address);
        // Distributions let one that cannot be used be left out without a word.
        let strict = format!("--setopt={}.skip_if_unavailable=0", repository.name);
        let only = format!("--repo={}", repository.name);
        dnf.must(&["-y", &strict, &only, "makecache", "--refresh"], &doing, deadline)?;
        keyed.push((repository, key));
    }
    let mut query = vec!["-q".to_owned(), "repoquery".into(), format!("--arch={},noarch", std::env::consts::ARCH)];
    query.extend(["--qf".to_owned(), "%{name}|%{version}-%{release}|%{repoid}\\n".into()]);
    query.extend(names(args, need));
    let output = dnf.must(&query, "asking dnf which versions there are", deadline)?;
    let address = |id: &str| {
        let ours = keyed.iter().find(|(repository, _)| repository.name == id);
        ours.map_or_else(|| id.to_owned(), |(repository, _)| repository.address.clone())
    };
    let all = transaction::offered(&output.stdout_text(), address);
    let choice = choice::choose(args, machine, release, need, &all, &keyed[0].0)?;
    let mut install = vec!["--assumeno".to_owned()];
    install.extend(super::work::install_words(&choice.packages));
    let doing = format!("finding out what installing {} takes", choice.names().join(", "));
    let would = would(&dnf, &install, &doing, machine, deadline)?;
    Ok(Offer { choice, would, repositories: keyed, system: System::Dnf(dnf), _scratch: scratch })
}

/// What removing these would do, and dnf for doing it.
pub fn removal(names: &[&str], machine: &Machine, deadline: &Deadline) -> anyhow::Result<(Scratch, Dnf, Simulated)> {
    let scratch = Scratch::make(PARENT, PREFIX, &["repos", "cache"])?;
    let dnf = Dnf::new(scratch.path());
    let mut words = vec!["--assumeno".to_owned(), "remove".into()];
    words.extend(names.iter().map(|name| (*name).to_owned()));
    let doing = format!("finding out what removing {} takes", names.join(", "));
    let would = would(&dnf, &words, &doing, machine, deadline)?;
    Ok((scratch, dnf, would))
}

/// dnf says no to itself, which is a failure; the table tells that it could have done it.
fn would(
    dnf: &Dnf,
    words: &[String],
    doing: &str,
    machine: &Machine,
    deadline: &Deadline,
) -> anyhow::Result<Simulated> {
    let output = dnf.run(words, doing, deadline)?;
    let text = output.stdout_text();
    if !output.status.success() && !text.contains("Transaction Summary") {
        bail!("{doing}: {}", words::why(&output));
    }
    Ok(transaction::simulated(&text, &machine.packages))
}

fn fetch(scratch: &Scratch, address: &str, doing: &str, deadline: &Deadline) -> anyhow::Result<Option<Vec<u8>>> {
    let to = scratch.path().join("keys/fetched");
    let options = ["--fail", "--silent", "--show-error", "--location", "--max-time", "60", "--output"];
    let fetched = Program::new("curl").args(options).args([to.as_os_str()]).args([address]).run(deadline)?;
    if !fetched.status.success() {
        let said = fetched.stderr_text();
        bail!("{doing}: it cannot be had ({})", said.trim().trim_start_matches("curl: "));
    }
    let bytes = files::read_optional(&to)?;
    files::delete_file(&to)?;
    Ok(bytes)
}
