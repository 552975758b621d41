//! Which distribution this machine runs, and what lies where on it: one table for all that differ.

use anyhow::Context as _;
use host::files;

/// Distributions that share a package manager and its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Debian, Ubuntu and what is made from them: apt and dpkg.
    Debian,
    /// Fedora, RHEL and what is made from it: dnf and rpm.
    RedHat,
    /// openSUSE and SLES: zypper, which nothing here speaks.
    Suse,
    /// Any other.
    Other,
}

/// Whether this is a container: its kernel and its clock are the machine's outside. systemd tells its children which
/// container it found itself in, podman leaves a file.
pub fn in_container() -> bool {
    ["/run/systemd/container", "/run/.containerenv"].iter().any(|path| std::path::Path::new(path).exists())
}

/// What lies where in a family.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Whose it is.
    pub family: Family,
    /// Who that is, for people.
    pub name: &'static str,
    /// What installs packages; none when nothing here speaks it.
    pub manager: Option<&'static str>,
    /// Where the package manager's sources are.
    pub sources: &'static str,
    /// Where the keys are that sources name.
    pub keys: &'static str,
    /// What holds packages back from upgrades.
    pub hold: &'static str,
    /// What keeps services of new packages from starting, and what has them started at the next boot.
    pub services: &'static str,
    /// The package of containerd that the distribution has; none where only containerd's own repository has one.
    pub containerd: Option<&'static str>,
    /// The file that the packaged containerd starts with.
    pub containerd_config: &'static str,
    /// The package of CNI plugins, and where it puts them; `kubernetes-cni` puts them into /opt/cni/bin everywhere.
    pub cni: (&'static str, &'static str),
    /// Where the package `kubelet` has its drop-in, and where an administrator's arguments for the kubelet stand.
    pub kubelet: (&'static str, &'static str),
}

/// The table. Sources: the packages' own file lists of Debian 12 and 13, Ubuntu 22.04 and 24.04 and Fedora 41, and the
/// `kubelet` packages of the Kubernetes repository since 1.28.
pub static LAYOUTS: [Layout; 2] = [
    Layout {
        family: Family::Debian,
        name: "Debian 12 and 13, Ubuntu 22.04 and 24.04",
        manager: Some("apt"),
        sources: "/etc/apt/sources.list.d",
        keys: "/etc/apt/keyrings",
        hold: "dpkg's own selections (`apt-mark showhold`)",
        services: "a `policy-rc.d` that is in force for this installation alone; the packages enable their units",
        containerd: Some("containerd"),
        containerd_config: "/etc/containerd/config.toml",
        cni: ("containernetworking-plugins", "/usr/lib/cni"),
        kubelet: ("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", "/etc/default/kubelet"),
    },
    Layout {
        family: Family::RedHat,
        name: "Fedora, RHEL and what is made from it (dnf 4)",
        manager: Some("dnf"),
        sources: "/etc/yum.repos.d",
        keys: "/etc/pki/rpm-gpg",
        hold: "`exclude` in the source, which needs no plugin; kubejoin's own dnf passes over it",
        services: "nothing is needed: rpm's scriptlets ask systemd's presets what to enable, and start nothing; kubelet and containerd are enabled afterwards",
        containerd: None,
        containerd_config: "/etc/containerd/config.toml",
        cni: ("containernetworking-plugins", "/usr/libexec/cni"),
        kubelet: ("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", "/etc/sysconfig/kubelet"),
    },
];

/// This machine's distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Os {
    /// For people: `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
    /// `debian`.
    pub id: String,
    /// `bookworm`; empty where releases have no such name.
    pub codename: String,
    /// What it is one of.
    pub family: Family,
}

impl Os {
    /// Reads /etc/os-release, or what stands in for it.
    pub fn observe() -> anyhow::Result<Self> {
        let own = files::read_text("/etc/os-release")?;
        let text = own.map_or_else(|| files::read_text("/usr/lib/os-release"), |text| Ok(Some(text)))?;
        text.as_deref().map(Os::read).context("finding out the distribution: there is no /etc/os-release")
    }

    /// Reads the text of os-release(5).
    pub fn read(text: &str) -> Self {
        let value = |key: &str| {
            let found = text.lines().rev().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            found.unwrap_or_default().trim_matches(['"', '\'']).to_owned()
        };
        let (id, like) = (value("ID"), value("ID_LIKE"));
        let family = std::iter::once(id.as_str()).chain(like.split_whitespace()).find_map(family);
        let name = value("PRETTY_NAME");
        Os {
            name: if name.is_empty() { id.clone() } else { name },
            codename: value("VERSION_CODENAME"),
            family: family.unwrap_or(Family::Other),
            id,
        }
    }

    /// What lies where here; none for a family that nothing here speaks.
    pub fn layout(&self) -> Option<&'static Layout> {
        LAYOUTS.iter().find(|layout| layout.family == self.family)
    }
}

fn family(id: &str) -> Option<Family> {
    match id {
        "debian" | "ubuntu" => Some(Family::Debian),
        "fedora" | "rhel" | "centos" => Some(Family::RedHat),
        "suse" | "opensuse" | "sles" => Some(Family::Suse),
        _ if id.starts_with("opensuse") => Some(Family::Suse),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_told_by_what_they_say_they_are_like() {
        for (text, family) in [
            ("ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"", Family::Debian),
            ("ID=ubuntu\nID_LIKE=debian", Family::Debian),
            ("ID=raspbian\nID_LIKE=debian", Family::Debian),
            ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", Family::RedHat),
            ("ID=fedora", Family::RedHat),
            ("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"", Family::Suse),
            ("ID=alpine", Family::Other),
        ] {
            assert_eq!(Os::read(text).family, family, "{text}");
        }
        let os = Os::read("ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n");
        assert_eq!((os.name.as_str(), os.codename.as_str()), ("Debian GNU/Linux 13 (trixie)", "trixie"));
        assert_eq!(os.layout().map(|layout| layout.keys), Some("/etc/apt/keyrings"));
    }
}
