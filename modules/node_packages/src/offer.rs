//! What the repositories have of what is needed, and what the package manager would do: asked in a scratch directory, so that
//! nothing on the machine is another than before.

use crate::address::Key;
use crate::args::Args;
use crate::choice::Choice;
use crate::machine::{CONTAINERD, KUBERNETES};
use crate::need::Need;
use crate::repository::Repository;
use crate::scratch::Scratch;
use crate::system::System;
use crate::transaction::Simulated;
use anyhow::{Context as _, ensure};
use host::files;

/// What is to be installed, and from where.
#[derive(Debug)]
pub struct Offer {
    /// Packages and versions.
    pub choice: Choice,
    /// What the package manager would do.
    pub would: Simulated,
    /// Repositories with the text of their key.
    pub repositories: Vec<(Repository, Vec<u8>)>,
    /// The package manager with the scratch directory, which is gone with this.
    pub system: System,
    /// Keeps that directory.
    pub _scratch: Scratch,
}

/// The packages that may be wanted.
pub fn names(args: &Args, need: &Need) -> Vec<String> {
    let fixed = ["cri-tools", "kubernetes-cni", "containernetworking-plugins"];
    let known = KUBERNETES.iter().chain(&CONTAINERD).chain(&fixed).map(|name| (*name).to_owned());
    known.chain(need.packages.iter().cloned()).chain(args.packages.iter().cloned()).collect()
}

/// The key's bytes, which must look like one. `fetch` gets what has an address.
pub fn key(
    repository: &Repository,
    fetch: impl FnOnce(&str, &str) -> anyhow::Result<Option<Vec<u8>>>,
) -> anyhow::Result<Vec<u8>> {
    let option = if repository.option == "containerd_repository" { "containerd_key" } else { "kubernetes_key" };
    let (bytes, from) = match &repository.key {
        Key::Text(text) => return Ok(text.clone().into_bytes()),
        Key::Path(path) => (files::read_optional(path)?, path.clone()),
        Key::Address(address) => match address.strip_prefix("file://") {
            Some(path) => (files::read_optional(path)?, address.clone()),
            None => (fetch(address, &format!("option {option}: fetching {address}"))?, address.clone()),
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
