//! What rpm has installed.

use crate::packages::{Package, Packages};
use host::deadline::Deadline;
use host::process::Program;
use kubeadm::program;

/// Asks rpm.
pub fn observe(deadline: &Deadline) -> anyhow::Result<Packages> {
    let asked = ["-qa", "--qf", "%{NAME}|%{VERSION}-%{RELEASE}\\n"];
    let output = Program::new("rpm").args(asked).env("PATH", program::search_path()).keep_all().run(deadline)?;
    Ok(read(&output.success()?.stdout_text()))
}

/// `NAME|VERSION-RELEASE`; of what is there twice, as after an upgrade that was broken off, the later line counts.
fn read(text: &str) -> Packages {
    let package = |version: &str| Package {
        version: version.to_owned(),
        held: false,
        whole: true,
        state: "installed".to_owned(),
    };
    let pairs = text.lines().filter_map(|line| line.split_once('|'));
    Packages { all: pairs.map(|(name, version)| (name.to_owned(), package(version))).collect(), interrupted: false }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_package_is_a_line() {
        let packages = read("kubelet|1.36.2-150500.1.1\ngpg-pubkey|9a296436-6391\n\n");
        assert_eq!((packages.version("kubelet"), packages.version("kubeadm")), (Some("1.36.2-150500.1.1"), None));
    }
}
