//! kubeadm as a program to be run.

use crate::version::Version;
use anyhow::Context as _;
use host::deadline::Deadline;
use host::process::Program;
use std::io::ErrorKind;
use std::time::Duration;

/// Asking a program for its version is quick.
const VERSION_LIMIT: Duration = Duration::from_secs(15);

/// kubeadm, with a search path that has the programs it looks for.
pub fn kubeadm() -> Program {
    Program::new("kubeadm").env("PATH", search_path())
}

/// The search path of kubeadm and what it calls: a login without a shell often lacks the sbin directories, and then
/// kubeadm reports programs as missing that are installed.
pub fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    let mut all: Vec<&str> = own.split(':').filter(|dir| !dir.is_empty()).collect();
    for dir in ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/opt/bin"] {
        if !all.contains(&dir) {
            all.push(dir);
        }
    }
    all.join(":")
}

/// kubeadm's version; none when it is not installed.
pub fn version(deadline: &Deadline) -> anyhow::Result<Option<Version>> {
    let output = match kubeadm().args(["version", "-o", "short"]).run(&deadline.at_most(VERSION_LIMIT)) {
        Ok(output) => output.success()?.stdout_text(),
        Err(e) if is_missing(&e) => return Ok(None),
        Err(e) => return Err(e),
    };
    Version::parse(&output).map(Some).context("asking kubeadm for its version")
}

/// The kubelet's version; none when it is not installed or does not say.
pub fn kubelet_version(deadline: &Deadline) -> Option<Version> {
    let program = Program::new("kubelet").args(["--version"]).env("PATH", search_path());
    Version::parse(&program.run(deadline).ok()?.success().ok()?.stdout_text()).ok()
}

/// Whether a program could not be started because it is not there.
pub fn is_missing(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::NotFound))
}
