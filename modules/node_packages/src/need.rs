//! What is to be installed, and what is refused before a repository is asked. Pure.

use crate::apt::certificates;
use crate::args::{Args, Containerd};
use crate::dnf::names;
use crate::machine::{CONTAINERD, KUBERNETES, Machine};
use crate::release::Release;
use crate::runtime;
use anyhow::{bail, ensure};
use kubeadm::version::Version;
use node::os::Family;

/// What the machine lacks of what is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Need {
    /// Programs of Kubernetes that are not there, or of another version.
    pub kubernetes: Vec<&'static str>,
    /// Whether containerd is.
    pub containerd: bool,
    /// Whether CNI plugins are.
    pub plugins: bool,
    /// Whether crictl is; it comes when the repository has it.
    pub crictl: bool,
    /// Other packages.
    pub packages: Vec<String>,
}

impl Need {
    /// Whether apt has to be asked.
    pub fn is_empty(&self) -> bool {
        *self == Need::default()
    }
}

/// Compares what there is with what is asked for.
pub fn need(args: &Args, machine: &Machine, release: Release) -> Need {
    let versions: Vec<Option<Version>> = KUBERNETES.iter().map(|name| machine.version(name)).collect();
    let right =
        versions.iter().all(|version| version.is_some_and(|version| release.has(version)) && *version == versions[0]);
    let stray = !machine.strays.is_empty();
    let kubernetes = if right {
        Vec::new()
    } else if stray {
        machine.lacking.clone()
    } else {
        KUBERNETES.to_vec()
    };
    let version = Some(Version { major: 1, minor: release.minor, patch: 0 });
    let called = machine.tools_lacking.iter().filter(|tool| tool.needed_by(version) || tool.useful_to(version));
    let here = |package| if machine.os.family == Family::RedHat { names::package(package) } else { package };
    let mut packages: Vec<String> = called.map(|tool| here(tool.package).to_owned()).collect();
    if !machine.modprobe {
        packages.push("kmod".into());
    }
    // containerd trusts the same certificates when it pulls images.
    if !machine.certificates {
        packages.push(certificates::PACKAGE.into());
    }
    let asked = args.packages.iter().filter(|name| machine.packages.version(name).is_none());
    packages.extend(asked.cloned());
    packages.sort();
    packages.dedup();
    let containerd = machine.containerd.is_none() && args.containerd != Containerd::Present;
    let plugins = !machine.plugins_lacking.is_empty();
    // crictl is not missed by anything but people: it comes along, and is not what a repository is asked for alone.
    let something = !kubernetes.is_empty() || containerd || plugins || !packages.is_empty();
    let crictl = !machine.crictl && something;
    Need { kubernetes, containerd, plugins, crictl, packages }
}

/// What no repository can make right.
pub fn refuse(args: &Args, machine: &Machine, release: Release, need: &Need) -> anyhow::Result<()> {
    let asked = args.kubernetes_version.as_deref().unwrap_or_default();
    let there = machine.version("kubelet").or(machine.stray_version);
    if let Some(there) = there.filter(|there| machine.joined && !release.has(*there)) {
        bail!(
            "option kubernetes_version is {asked}, and the cluster that is here has this node with {there}: this upgrades no cluster; give {there}, or leave it out"
        );
    }
    if let Some(there) = machine.stray_version.filter(|there| !release.has(*there)) {
        bail!(
            "option kubernetes_version is {asked}, and the kubeadm of this machine is {there}, which no package brought: remove it, or leave kubernetes_version out"
        );
    }
    let foreign = KUBERNETES.iter().find_map(|name| {
        let version = machine.packages.version(name).filter(|_| machine.version(name).is_none())?;
        Some(format!("{name} {version}"))
    });
    if let Some(foreign) = foreign.filter(|_| !args.allow_downgrade) {
        bail!(
            "option kubernetes_version is {asked}, and this machine has the package {foreign}, which is not of a repository of Kubernetes: remove it, or have it replaced with allow_downgrade"
        );
    }
    if let Some(plane) = args.cluster()?.filter(|_| !need.kubernetes.is_empty() && !machine.joined) {
        skew(release, plane, asked)?;
    }
    let newest = KUBERNETES.iter().filter_map(|name| machine.version(name)).max();
    if let Some(there) =
        newest.filter(|there| !need.kubernetes.is_empty() && !args.allow_downgrade && older(release, *there))
    {
        bail!(
            "option kubernetes_version is {asked}, and this machine has {there}: going back to an older version wants allow_downgrade"
        );
    }
    ensure!(
        args.containerd != Containerd::Present || machine.containerd.is_some(),
        "option containerd is present, and this machine has no containerd: install it, or have it installed with distribution or repository"
    );
    if let Some(there) = machine.containerd {
        let name = CONTAINERD.iter().find(|name| machine.packages.version(name).is_some()).unwrap_or(&"containerd");
        runtime::fits(release.minor, there).map_err(|why| {
            anyhow::anyhow!("the {name} {}.{} of this machine is too old for Kubernetes 1.{}: {why}; what replaces a containerd that is there is an upgrade of it, and this does none", there.major, there.minor, release.minor)
        })?;
    }
    Ok(())
}

/// kubeadm joins a cluster of its own release; a kubelet is never newer than its control plane.
fn skew(release: Release, plane: Version, asked: &str) -> anyhow::Result<()> {
    if release.minor == plane.minor {
        return Ok(());
    }
    let how = if release.minor > plane.minor { "newer" } else { "older" };
    bail!(
        "option kubernetes_version is {asked}, which is {how} than the cluster's control plane {plane}: a node joins with the control plane's release, 1.{}",
        plane.minor
    )
}

fn older(release: Release, there: Version) -> bool {
    (release.minor, release.patch.unwrap_or(u32::MAX))
        < (there.minor, if release.patch.is_some() { there.patch } else { 0 })
}

/// A distribution that nothing here speaks.
pub fn supported(machine: &Machine) -> anyhow::Result<()> {
    let name = &machine.os.name;
    match machine.os.family {
        Family::Debian => Ok(()),
        Family::RedHat if machine.dnf => Ok(()),
        Family::RedHat => bail!(
            "option kubernetes_version is given, and this {name} has no dnf, which packages are installed with: install it, or install kubeadm, kubelet, kubectl and containerd, and leave kubernetes_version out"
        ),
        Family::Suse | Family::Other => bail!(
            "option kubernetes_version is given, and packages are installed on Debian, Ubuntu, Fedora, RHEL and what is made from them, not on {name}: install kubeadm, kubelet, kubectl and containerd there, and leave kubernetes_version out"
        ),
    }
}
