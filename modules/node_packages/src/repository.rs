//! Repositories and their keys, as they are asked for and as they are written down.

use crate::address::Key;
use crate::args::Args;
use crate::release::Release;
use anyhow::ensure;
use node::os::{Family, Os};

/// A repository that is to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// The stem of the names of its files.
    pub name: &'static str,
    /// The option that names it.
    pub option: &'static str,
    /// Its address.
    pub address: String,
    /// A suite, or `/`.
    pub suite: String,
    /// Its components, after a suite.
    pub components: String,
    /// What it is signed with.
    pub key: Key,
}

/// The folder of a release's packages in the repository of Kubernetes.
pub fn folder(address: &str, minor: u32, family: Family) -> String {
    let address = address.trim_end_matches('/');
    let kind = if family == Family::RedHat { "rpm" } else { "deb" };
    match address.rsplit('/').next() {
        Some("deb" | "rpm") => format!("{address}/"),
        Some("stable" | "stable:") => format!("{address}/v1.{minor}/{kind}/"),
        _ => format!("{address}/core:/stable:/v1.{minor}/{kind}/"),
    }
}

/// The repository of Kubernetes for this release.
pub fn kubernetes(args: &Args, release: Release, family: Family) -> anyhow::Result<Repository> {
    let address = folder(&args.kubernetes_repository, release.minor, family);
    let key = match &args.kubernetes_key {
        Some(text) => Key::read(text)?,
        // An rpm repository has its key beside its metadata.
        None if family == Family::RedHat => Key::Address(format!("{address}repodata/repomd.xml.key")),
        None => Key::Address(format!("{address}Release.key")),
    };
    let (suite, components) = ("/".into(), String::new());
    Ok(Repository { name: "kubejoin-kubernetes", option: "kubernetes_repository", address, suite, components, key })
}

/// The repository of containerd.io, when one is named.
pub fn containerd(args: &Args, os: &Os) -> anyhow::Result<Option<Repository>> {
    let (Some(text), Some(key)) = (&args.containerd_repository, &args.containerd_key) else { return Ok(None) };
    let mut words = text.split_whitespace();
    let address = words.next().unwrap_or_default().to_owned();
    if os.family == Family::RedHat {
        let key = Key::read(key)?;
        let (suite, components) = (String::new(), String::new());
        let (name, option) = ("kubejoin-containerd", "containerd_repository");
        return Ok(Some(Repository { name, option, address, suite, components, key }));
    }
    let suite = words.next().unwrap_or(&os.codename).to_owned();
    let mut components = words.collect::<Vec<_>>().join(" ");
    if components.is_empty() && !suite.ends_with('/') {
        components = "stable".into();
    }
    ensure!(
        !suite.is_empty(),
        "option containerd_repository is {text:?}: {} has no code name, so a suite must follow the address",
        os.name
    );
    let key = Key::read(key)?;
    Ok(Some(Repository {
        name: "kubejoin-containerd",
        option: "containerd_repository",
        address,
        suite,
        components,
        key,
    }))
}

impl Repository {
    /// The source as dnf reads it, with the file of its key. What is held back is left out of every transaction but ours, which
    /// says so; versionlock would be a plugin that need not be there. The metadata of Kubernetes' repository is signed, too.
    pub fn section(&self, key: &str, hold: bool) -> String {
        let kubernetes = self.option == "kubernetes_repository";
        let held = if kubernetes { "kubelet kubeadm kubectl" } else { "containerd.io" };
        format!(
            "# Written by kubejoin (node_packages).\n[{}]\nname={}\nbaseurl={}\nenabled=1\ngpgcheck=1\nrepo_gpgcheck={}\ngpgkey=file://{key}\n{}",
            self.name,
            if kubernetes { "Kubernetes" } else { "containerd" },
            self.address,
            u8::from(kubernetes),
            if hold { format!("exclude={held}\n") } else { String::new() }
        )
    }

    /// The source in deb822 form, with the file of its key.
    pub fn stanza(&self, key: &str) -> String {
        let components =
            if self.components.is_empty() { String::new() } else { format!("Components: {}\n", self.components) };
        format!(
            "# Written by kubejoin (node_packages).\nTypes: deb\nURIs: {}\nSuites: {}\n{components}Signed-By: {key}\n",
            self.address, self.suite
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_found_in_a_mirror_of_any_layout() {
        for (address, folder_of) in [
            ("https://pkgs.example.org", "https://pkgs.example.org/core:/stable:/v1.36/deb/"),
            ("http://m.example.org/k8s/", "http://m.example.org/k8s/core:/stable:/v1.36/deb/"),
            ("http://m.example.org/core/stable", "http://m.example.org/core/stable/v1.36/deb/"),
            ("file:///srv/k8s/deb/", "file:///srv/k8s/deb/"),
        ] {
            assert_eq!(folder(address, 36, Family::Debian), folder_of);
        }
        assert!(folder("https://pkgs.example.org", 36, Family::RedHat).ends_with("/v1.36/rpm/"));
    }
}
