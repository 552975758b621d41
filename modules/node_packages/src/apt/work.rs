//! What changes packages: apt and dpkg, called in an order in which each can go on where the last was ended.

use super::command::{Apt, Sources};
use super::{simulation, words};
use crate::transaction::Wanted;
use anyhow::bail;
use host::deadline::Deadline;

/// In the order in which apt takes them.
pub const LOCKS: [&str; 3] = ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/cache/apt/archives/lock"];

/// What apt-get is asked. `-f` lets it mend what was broken off; what is held back is ours to move.
pub fn install_words(packages: &[Wanted], downgrade: bool) -> Vec<String> {
    let mut words = vec!["-f".to_owned(), "--allow-change-held-packages".into()];
    words.extend(downgrade.then(|| "--allow-downgrades".to_owned()));
    words.push("install".into());
    let exact = |(name, version): &Wanted| match version {
        Some(version) => format!("{name}={version}"),
        None => name.clone(),
    };
    words.extend(packages.iter().map(exact));
    words
}

/// dpkg goes on where it was interrupted.
pub fn configure(apt: &Apt, deadline: &Deadline) -> anyhow::Result<()> {
    let words = ["--force-confdef", "--force-confold", "--configure", "-a"];
    apt.dpkg(&words, "finishing what dpkg was interrupted in", deadline)
}

/// All of it, before anything is unpacked; how many bytes that will take. An index that is older than its repository is read
/// anew, once.
pub fn download(apt: &Apt, install: &[String], doing: &str, deadline: &Deadline) -> anyhow::Result<u64> {
    let mut words = vec!["-d".to_owned()];
    words.extend(install.iter().cloned());
    let mut output = apt.run("apt-get", Sources::Machine, &words, doing, deadline)?;
    if !output.status.success() && words::why(&output).starts_with("it does not have a file") {
        apt.run("apt-get", Sources::Machine, &["update"], "reading the indexes of all sources", deadline)?;
        output = apt.run("apt-get", Sources::Machine, &words, doing, deadline)?;
    }
    if !output.status.success() {
        bail!("{doing}: {}; nothing was installed", words::why(&output));
    }
    Ok(simulation::needed(&output.stdout_text()))
}

/// Installs.
pub fn install(apt: &Apt, install: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    apt.must("apt-get", Sources::Machine, install, "installing the packages", deadline).map(drop)
}

/// Removes.
pub fn remove(apt: &Apt, names: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    let mut words = vec!["--allow-change-held-packages".to_owned(), "remove".into()];
    words.extend(names.iter().cloned());
    apt.must("apt-get", Sources::Machine, &words, "removing the packages", deadline).map(drop)
}
