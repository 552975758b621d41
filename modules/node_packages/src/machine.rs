//! What the machine has of what a Kubernetes node needs.

use crate::apt::certificates;
use crate::apt::policy::{self, Policy};
use crate::apt::sources as apt_sources;
use crate::dnf::sources as dnf_sources;
use crate::packages::Packages;
use crate::sources::File;
use crate::system;
use host::deadline::Deadline;
use host::process;
use host::{cni, files};
use kubeadm::programs::{PROGRAMS, Program as Needed};
use kubeadm::version::Version;
use kubeadm::{kubeconfig, program};
use node::containerd::release::{self, Release};
use node::os::{Family, Os};
use std::path::{Path, PathBuf};

/// The programs that are of one version.
pub const KUBERNETES: [&str; 3] = ["kubeadm", "kubelet", "kubectl"];
/// Packages of containerd: the distribution's, and its makers'.
pub const CONTAINERD: [&str; 2] = ["containerd", "containerd.io"];
/// What every pod network calls.
const PLUGINS: [&str; 4] = ["bridge", "host-local", "loopback", "portmap"];

/// The machine before anything is done.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its distribution.
    pub os: Os,
    /// What the package manager has; empty where nobody here speaks it.
    pub packages: Packages,
    /// Programs of Kubernetes that no package brought.
    pub strays: Vec<&'static str>,
    /// Programs of Kubernetes that are not there at all.
    pub lacking: Vec<&'static str>,
    /// The version of a kubeadm that no package brought.
    pub stray_version: Option<Version>,
    /// containerd's release.
    pub containerd: Option<Release>,
    /// CNI plugins that are nowhere.
    pub plugins_lacking: Vec<&'static str>,
    /// Whether crictl is there.
    pub crictl: bool,
    /// Programs that some release calls and that are not there.
    pub tools_lacking: Vec<&'static Needed>,
    /// Whether modules can be loaded.
    pub modprobe: bool,
    /// Whether it trusts any certificate.
    pub certificates: bool,
    /// Whether it is part of a cluster.
    pub joined: bool,
    /// The package manager's sources.
    pub sources: Vec<File>,
    /// Whether services are kept from starting.
    pub policy: Policy,
    /// Whether dnf is there.
    pub dnf: bool,
    /// Whether SELinux forbids what it does not know.
    pub selinux: bool,
}

impl Machine {
    /// Looks.
    pub fn observe(deadline: &Deadline) -> anyhow::Result<Self> {
        let os = Os::observe()?;
        let debian = os.family == Family::Debian;
        let packages = system::packages(os.family, deadline)?;
        let there = |name: &str| process::find(name).is_some();
        let of = |wanted: bool| {
            let mut names = KUBERNETES.to_vec();
            names.retain(|name| !packages.all.contains_key(*name) && there(name) == wanted);
            names
        };
        let (strays, lacking) = (of(true), of(false));
        Ok(Machine {
            stray_version: if strays.contains(&"kubeadm") { program::version(deadline)? } else { None },
            containerd: containerd(&packages, deadline),
            plugins_lacking: plugins_lacking(),
            crictl: there("crictl"),
            tools_lacking: PROGRAMS.iter().filter(|program| !there(program.name)).collect(),
            modprobe: there("modprobe"),
            certificates: !debian || certificates::are_there(),
            joined: Path::new(kubeconfig::KUBELET_CONF).exists(),
            sources: match os.family {
                Family::Debian => apt_sources::observe()?,
                Family::RedHat => dnf_sources::observe()?,
                Family::Suse | Family::Other => Vec::new(),
            },
            dnf: there("dnf"),
            selinux: files::read_text("/sys/fs/selinux/enforce").ok().flatten().is_some_and(|text| text.trim() == "1"),
            policy: if debian { policy::observe()? } else { Policy::None },
            os,
            packages,
            strays,
            lacking,
        })
    }

    /// The version of an installed package, as Kubernetes counts.
    pub fn version(&self, package: &str) -> Option<Version> {
        Version::parse(self.packages.version(package)?).ok()
    }

    /// What a node needs and this one has not, by name.
    pub fn missing(&self) -> Vec<String> {
        let mut missing: Vec<String> = self.lacking.iter().map(|name| (*name).to_owned()).collect();
        let broken =
            KUBERNETES.iter().filter(|name| self.packages.all.get(**name).is_some_and(|package| !package.whole));
        missing.extend(broken.map(|name| format!("{name} (installed only half way)")));
        if self.containerd.is_none() {
            missing.push("containerd".into());
        }
        if !self.plugins_lacking.is_empty() {
            missing.push(format!("CNI plugins ({})", self.plugins_lacking.join(", ")));
        }
        missing
    }
}

/// CNI plugins that are nowhere.
pub fn plugins_lacking() -> Vec<&'static str> {
    let dirs: Vec<PathBuf> = cni::PLUGIN_DIRS.iter().map(PathBuf::from).collect();
    cni::missing(&PLUGINS, &dirs)
}

/// By its package, or by its own words where no package brought it.
fn containerd(packages: &Packages, deadline: &Deadline) -> Option<Release> {
    let packaged = CONTAINERD.iter().find_map(|name| packages.version(name)).and_then(Release::parse);
    let half = CONTAINERD.iter().any(|name| packages.all.contains_key(*name));
    packaged.or_else(|| if half { None } else { release::installed(deadline) })
}
