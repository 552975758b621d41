//! Repositories and their keys, as they are asked for and as they are written down.

use crate::args::Args;
use crate::release::Release;
use anyhow::ensure;
use node::os::{Family, Os};

/// How a key begins that is given as text.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `https://…`, `file:///…`.
    Address(String),
    /// A file of the machine.
    Path(String),
    /// The key itself.
    Text(String),
}

impl Key {
    /// Tells the three apart.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.contains(ARMOR) {
            return Ok(Key::Text(format!("{text}\n")));
        }
        if text.starts_with('/') && !text.contains(char::is_whitespace) {
            return Ok(Key::Path(text.to_owned()));
        }
        ensure!(
            check(text).is_ok(),
            "{:?} is not a key: it must be an address, an absolute path, or a text that begins with {ARMOR}",
            text.chars().take(40).collect::<String>()
        );
        Ok(Key::Address(text.to_owned()))
    }
}

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

/// Refuses what is not an address, or holds a secret that everybody could read then.
pub fn check(address: &str) -> anyhow::Result<()> {
    let wrong = "it must be http://, https:// or file:///, a host and a folder";
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let rest = rest.unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]@%+".contains(c);
    ensure!(
        rest.len() > 1 && rest.chars().all(plain) && (rest.starts_with('/') == address.starts_with("file:")),
        wrong
    );
    let host = rest.split('/').next().unwrap_or_default();
    ensure!(
        !host.contains('@'),
        "it has a name or a password in it, which everybody on the machine could read: that goes into /etc/apt/auth.conf.d"
    );
    Ok(())
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

    #[test]
    fn an_address_with_a_password_and_what_is_not_an_address_are_refused() {
        for address in
            ["", "pkgs.example.org", "ftp://x/", "https://", "http://a b", "file://host/x", "https:///x", "http://x/\n"]
        {
            assert!(check(address).is_err(), "{address:?}");
        }
        let said = format!("{:#}", check("https://me:secret@example.org/x").unwrap_err());
        assert!(said.contains("auth.conf.d") && !said.contains("secret"), "{said}");
        assert!(check("http://[fd00::1]:8080/deb").is_ok() && check("file:///srv/deb").is_ok());
    }

    #[test]
    fn a_key_is_an_address_a_path_or_itself() {
        assert!(matches!(Key::read("/etc/key.asc").unwrap(), Key::Path(_)));
        assert!(matches!(Key::read("https://example.org/Release.key").unwrap(), Key::Address(_)));
        assert!(matches!(Key::read(&format!("{ARMOR}\n\nmQ==\n")).unwrap(), Key::Text(_)));
        assert!(format!("{:#}", Key::read("mQINBF").unwrap_err()).contains("is not a key"));
    }
}
