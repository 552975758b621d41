//! The kubelet stopped; units that failed because of Kubernetes, and drop-ins that keep the kubelet from running as the distribution means it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use host::deadline::Deadline;
use host::process::Program;
use host::processes::Kind;
use host::{files, systemd};

use super::runtime::pods;
use crate::done::Done;
use crate::trees::backup::Backup;

/// Where an administrator, or an old tool, puts drop-ins.
const ADMIN: &str = "/etc/systemd/system/kubelet.service.d";
/// Where a distribution's package puts them.
const DISTRIBUTION: [&str; 2] = ["/usr/lib/systemd/system/kubelet.service.d", "/lib/systemd/system/kubelet.service.d"];
/// Units that are there because of pods; systemd-escaped mount units included.
const PATTERNS: [&str; 6] = [
    "kubelet.service",
    "containerd.service",
    "kubepods*.slice",
    "cri-containerd-*.scope",
    "var-lib-kubelet-*.mount",
    "run-containerd-*.mount",
];

/// Stops it, as a unit and however else it runs.
pub fn stop(unit: bool, done: &mut Done, deadline: &Deadline) -> Result<()> {
    if unit {
        systemd::stop("kubelet.service", &deadline.at_most(Duration::from_secs(100)))?;
    }
    pods::end(|kind| kind == Kind::Kubelet, done, deadline)
}

/// Deletes a drop-in, and its directory when that is empty then.
pub fn delete_drop_in(path: &Path, why: &str, backup: &mut Backup, done: &mut Done) -> Result<()> {
    backup.keep(path)?;
    files::delete_file(path)?;
    done.drop_ins.push(format!("{}: {why}", path.display()));
    path.parent().map_or(Ok(()), |directory| files::delete_empty_dir(directory).map(drop))
}

/// Names of units of ours that are in state failed.
pub fn failed(deadline: &Deadline) -> Result<Vec<String>> {
    let show =
        Program::new("systemctl").args(["show", "--no-pager", "--property", "Id,ActiveState", "--"]).args(PATTERNS);
    let text = show.run(deadline)?.success()?.stdout_text();
    Ok(text.split("\n\n").filter_map(failed_unit).collect())
}

fn failed_unit(block: &str) -> Option<String> {
    let fields: BTreeMap<&str, &str> = block.lines().filter_map(|line| line.split_once('=')).collect();
    (fields.get("ActiveState") == Some(&"failed")).then(|| fields.get("Id").map(|id| (*id).to_owned()))?
}

/// Drop-ins of the kubelet that go, and why.
pub fn conflicting_drop_ins(deadline: &Deadline) -> Result<Vec<(PathBuf, String)>> {
    let mut distribution = BTreeMap::new();
    for directory in DISTRIBUTION {
        for name in files::names(directory)? {
            let text = files::read_optional(Path::new(directory).join(&name))?.unwrap_or_default();
            distribution.insert(name.to_string_lossy().into_owned(), String::from_utf8_lossy(&text).into_owned());
        }
    }
    let mut found = Vec::new();
    for name in files::names(ADMIN)? {
        let path = Path::new(ADMIN).join(&name);
        // A link (to /dev/null, to a file of a configuration manager) is somebody's decision.
        if !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let text = String::from_utf8_lossy(&files::read_optional(&path)?.unwrap_or_default()).into_owned();
        if let Some(why) = conflict(&name.to_string_lossy(), &text, &distribution)
            && !is_packaged(&path, deadline)?
        {
            found.push((path, why));
        }
    }
    Ok(found)
}

/// Why a drop-in is in the way, if it is. Only where the distribution's own drop-in can take over: without one, taking
/// the only command line with a kubeconfig away would leave a kubelet in standalone mode.
fn conflict(name: &str, text: &str, distribution: &BTreeMap<String, String>) -> Option<String> {
    if !name.ends_with(".conf") || name.contains("kubejoin") {
        return None;
    }
    if !distribution.values().any(|text| text.contains("--kubeconfig")) {
        return None;
    }
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    if distribution.contains_key(name) {
        return Some("it hides the distribution's drop-in of the same name".to_owned());
    }
    if lines().next().is_some_and(|line| !line.starts_with('[')) {
        return Some("it is malformed: an assignment outside of a section".to_owned());
    }
    let command = lines()
        .filter_map(|line| line.strip_prefix("ExecStart"))
        .any(|rest| rest.trim_start().strip_prefix('=').is_some_and(|value| !value.trim().is_empty()));
    command.then(|| "it replaces the kubelet's command line".to_owned())
}

/// Whether a package of the distribution installed the file.
fn is_packaged(path: &Path, deadline: &Deadline) -> Result<bool> {
    if Path::new("/var/lib/dpkg/status").exists() {
        // Exit status 1 means that no package has it.
        return Ok(Program::new("dpkg-query")
            .args(["--search".as_ref(), path.as_os_str()])
            .run(deadline)?
            .status
            .success());
    }
    if Path::new("/var/lib/rpm").exists() || Path::new("/usr/lib/sysimage/rpm").exists() {
        return Ok(Program::new("rpm").args(["-qf".as_ref(), path.as_os_str()]).run(deadline)?.status.success());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> BTreeMap<String, String> {
        let text = "[Service]\nEnvironment=\"KUBELET_KUBECONFIG_ARGS=--kubeconfig=/etc/kubernetes/kubelet.conf\"\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS\n";
        BTreeMap::from([("10-kubeadm.conf".to_owned(), text.to_owned())])
    }

    #[test]
    fn only_what_is_in_the_way_goes() {
        let why = |name, text| conflict(name, text, &shipped());
        assert!(why("10-kubeadm.conf", "[Service]\nEnvironment=A=1\n").unwrap().contains("hides"));
        assert!(why("20-x.conf", "Environment=A=1\n[Service]\n").unwrap().contains("malformed"));
        assert!(
            why("20-x.conf", "[Service]\nExecStart=\nExecStart=/usr/bin/kubelet --x\n")
                .unwrap()
                .contains("command line")
        );
        assert_eq!(why("20-x.conf", "# a proxy\n[Service]\nEnvironment=HTTPS_PROXY=http://p\nExecStart=\n"), None);
        assert_eq!(why("99-kubejoin-gate.conf", "[Service]\nExecStart=/x\n"), None);
        assert_eq!(why("10-kubeadm.conf.bak", "x=1"), None);
    }

    #[test]
    fn the_only_drop_in_there_is_stays() {
        assert_eq!(
            conflict("10-kubeadm.conf", "[Service]\nExecStart=/usr/bin/kubelet --kubeconfig=/x\n", &BTreeMap::new()),
            None
        );
    }

    #[test]
    fn failed_units_are_read_from_blocks() {
        let text = "Id=kubelet.service\nActiveState=failed\n\nActiveState=active\nId=containerd.service";
        assert_eq!(text.split("\n\n").filter_map(failed_unit).collect::<Vec<_>>(), ["kubelet.service"]);
    }
}
