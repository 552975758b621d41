//! What dpkg has installed, from its own file: no process is needed to look.

use crate::packages::{Package, Packages};
use anyhow::Context as _;
use host::files;

/// dpkg's record, and what it has not finished writing into it.
const STATUS: &str = "/var/lib/dpkg/status";
const UPDATES: &str = "/var/lib/dpkg/updates";

/// Reads dpkg's record.
pub fn observe() -> anyhow::Result<Packages> {
    let text = files::read_optional(STATUS)?.with_context(|| format!("reading {STATUS}: there is no such file"))?;
    let mut packages = read(&String::from_utf8_lossy(&text));
    // dpkg notes each step in a file of digits here, and takes it away when the step is in the record.
    let noted = files::names(UPDATES)?;
    packages.interrupted |= noted.iter().any(|name| name.to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
    Ok(packages)
}

/// Reads the text of it.
pub fn read(text: &str) -> Packages {
    let mut packages = Packages::default();
    for stanza in text.split("\n\n") {
        let field = |key: &str| stanza.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
        let (Some(name), Some(status)) = (field("Package:"), field("Status:")) else { continue };
        let mut words = status.split_whitespace();
        let (want, flag, state) = (words.next(), words.next(), words.next().unwrap_or_default());
        if matches!(state, "not-installed" | "config-files") {
            continue;
        }
        let whole = state == "installed" && flag == Some("ok");
        packages.interrupted |= !whole;
        let package = Package {
            version: field("Version:").unwrap_or_default().to_owned(),
            held: want == Some("hold"),
            whole,
            state: status.to_owned(),
        };
        packages.all.insert(name.to_owned(), package);
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: kubelet\nStatus: hold ok installed\nVersion: 1.36.2-1.1\nDescription: x\n more\n\n\
        Package: runc\nStatus: deinstall ok config-files\nVersion: 1.1\n\nPackage: tzdata\nStatus: install ok installed\nVersion: 2\n";

    #[test]
    fn what_is_installed_is_told_from_what_has_left_its_configuration() {
        let packages = read(TEXT);
        assert_eq!((packages.version("kubelet"), packages.version("runc")), (Some("1.36.2-1.1"), None));
        assert!(packages.held("kubelet") && !packages.held("tzdata") && !packages.interrupted);
    }

    #[test]
    fn what_was_broken_off_is_not_installed() {
        for state in [
            "install reinstreq half-installed",
            "install ok half-configured",
            "install ok unpacked",
            "install ok triggers-pending",
        ] {
            let packages = read(&TEXT.replace("hold ok installed", state));
            assert!(packages.interrupted && packages.version("kubelet").is_none(), "{state}");
        }
    }
}
