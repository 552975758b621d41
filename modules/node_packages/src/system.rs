//! The seam between what is the same everywhere and the package managers, each in a room of its own.

use crate::apt::command::{Apt, select};
use crate::apt::policy::{self, Held, Policy};
use crate::apt::{status, work as apt};
use crate::dnf::command::Dnf;
use crate::dnf::{installed, work as dnf};
use crate::locks;
use crate::packages::Packages;
use crate::transaction::Wanted;
use ansible::Run;
use host::deadline::Deadline;
use node::os::Family;

/// A package manager with a scratch directory.
#[derive(Debug, Clone)]
pub enum System {
    /// apt and dpkg.
    Apt(Apt),
    /// dnf and rpm.
    Dnf(Dnf),
}

/// What a family's package manager has installed; nothing where nobody here speaks it.
pub fn packages(family: Family, deadline: &Deadline) -> anyhow::Result<Packages> {
    match family {
        Family::Debian => status::observe(),
        Family::RedHat => installed::observe(deadline),
        Family::Suse | Family::Other => Ok(Packages::default()),
    }
}

/// What the package manager is asked to install these with.
pub fn install_words(family: Family, packages: &[Wanted], downgrade: bool) -> Vec<String> {
    match family {
        Family::RedHat => dnf::install_words(packages),
        _ => apt::install_words(packages, downgrade),
    }
}

impl System {
    /// What it calls itself.
    pub fn name(&self) -> &'static str {
        match self {
            System::Apt(_) => "apt",
            System::Dnf(_) => "dnf",
        }
    }

    /// Waits for whoever else is at work, and keeps services of new packages from starting for as long as the answer lives.
    /// rpm starts none: its scriptlets ask systemd's presets whether to enable one, and no more.
    pub fn begin(&mut self, theirs: bool, run: &Run) -> anyhow::Result<Option<Held>> {
        match self {
            System::Apt(one) => {
                locks::wait(&apt::LOCKS, run, &run.deadline)?;
                let found = if theirs { Policy::Theirs } else { Policy::None };
                let held = policy::hold(found, &one.scratch)?;
                one.policy.clone_from(&held.over);
                Ok(Some(held))
            }
            System::Dnf(_) => locks::wait(&dnf::LOCKS, run, &run.deadline).map(|()| None),
        }
    }

    /// What is installed now.
    pub fn packages(&self, deadline: &Deadline) -> anyhow::Result<Packages> {
        match self {
            System::Apt(_) => status::observe(),
            System::Dnf(_) => installed::observe(deadline),
        }
    }

    /// Goes on where it was interrupted; rpm has nothing of the kind, a further installation is what finishes one.
    pub fn finish(&self, deadline: &Deadline) -> anyhow::Result<()> {
        match self {
            System::Apt(one) => apt::configure(one, deadline),
            System::Dnf(_) => Ok(()),
        }
    }

    /// Gets all packages, before anything is unpacked; how many bytes they will take.
    pub fn download(&self, install: &[String], deadline: &Deadline) -> anyhow::Result<u64> {
        let doing = "downloading the packages";
        match self {
            System::Apt(one) => apt::download(one, install, doing, deadline),
            System::Dnf(one) => dnf::download(one, install, doing, deadline),
        }
    }

    /// Installs.
    pub fn install(&self, install: &[String], deadline: &Deadline) -> anyhow::Result<()> {
        match self {
            System::Apt(one) => apt::install(one, install, deadline),
            System::Dnf(one) => dnf::install(one, install, deadline),
        }
    }

    /// Removes.
    pub fn remove(&self, names: &[String], deadline: &Deadline) -> anyhow::Result<()> {
        match self {
            System::Apt(one) => apt::remove(one, names, deadline),
            System::Dnf(one) => dnf::remove(one, names, deadline),
        }
    }

    /// What the distribution leaves to whoever installs: rpm's presets enable hardly anything.
    pub fn enable(&self, units: &[&str], deadline: &Deadline) -> anyhow::Result<Vec<String>> {
        match self {
            System::Apt(_) => Ok(Vec::new()),
            System::Dnf(_) => dnf::enable(units, deadline),
        }
    }
}

/// Says what is to become of packages at an upgrade. Of dnf's it is the source that says so.
pub fn select_apt(names: &[String], selection: &str, run: &Run) -> anyhow::Result<()> {
    locks::wait(&apt::LOCKS, run, &run.deadline)?;
    select(names, selection, &run.deadline)
}
