//! What changes packages.

use super::command::Dnf;
use super::{transaction, words};
use crate::transaction::Wanted;
use anyhow::bail;
use host::deadline::Deadline;
use host::systemd;
use std::path::Path;

/// rpm's own, where Fedora has it and where RHEL has it.
pub const LOCKS: [&str; 2] = ["/usr/lib/sysimage/rpm/.rpm.lock", "/var/lib/rpm/.rpm.lock"];

/// What dnf is asked: `NAME-VERSION-RELEASE`, which it also goes back to.
pub fn install_words(packages: &[Wanted]) -> Vec<String> {
    let exact = |(name, version): &Wanted| match version {
        Some(version) => format!("{name}-{version}"),
        None => name.clone(),
    };
    std::iter::once("install".to_owned()).chain(packages.iter().map(exact)).collect()
}

/// All of it, before anything is unpacked; how many bytes that will take.
pub fn download(dnf: &Dnf, install: &[String], doing: &str, deadline: &Deadline) -> anyhow::Result<u64> {
    let mut all = vec!["-y".to_owned(), "--downloadonly".into()];
    all.extend(install.iter().cloned());
    let output = dnf.run(&all, doing, deadline)?;
    if !output.status.success() {
        bail!("{doing}: {}; nothing was installed", words::why(&output));
    }
    Ok(transaction::needed(&output.stdout_text()))
}

/// Installs.
pub fn install(dnf: &Dnf, install: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    let mut all = vec!["-y".to_owned()];
    all.extend(install.iter().cloned());
    dnf.must(&all, "installing the packages", deadline).map(drop)
}

/// Removes.
pub fn remove(dnf: &Dnf, names: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    let mut all = vec!["-y".to_owned(), "remove".into()];
    all.extend(names.iter().cloned());
    dnf.must(&all, "removing the packages", deadline).map(drop)
}

/// Has units started at the next boot, which presets of RHEL and Fedora leave out; none is started now.
pub fn enable(units: &[&str], deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let mut enabled = Vec::new();
    for unit in units {
        let unit = format!("{unit}.service");
        if !Path::new("/etc/systemd/system/multi-user.target.wants").join(&unit).exists() {
            systemd::enable(&unit, deadline)?;
            enabled.push(unit);
        }
    }
    Ok(enabled)
}
