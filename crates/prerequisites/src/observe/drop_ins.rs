//! Drop-ins of the kubelet's unit that do not do what they look like.

use host::files;
use std::path::Path;

/// In the order of precedence: the same name in an earlier one hides it in a later one.
const DIRS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Malformed ones, and ones that are hidden by another of the same name.
pub(super) fn observe(unit: &str) -> (Vec<String>, Vec<String>) {
    let (mut malformed, mut shadowed) = (Vec::new(), Vec::new());
    let mut seen: Vec<(std::ffi::OsString, std::path::PathBuf)> = Vec::new();
    for dir in DIRS {
        let dir = Path::new(dir).join(format!("{unit}.d"));
        // /lib is /usr/lib on a merged system: the same file is not hidden by itself.
        let real = std::fs::canonicalize(&dir).unwrap_or_else(|_| dir.clone());
        for name in files::names(&dir).unwrap_or_default() {
            if !name.to_string_lossy().ends_with(".conf") {
                continue;
            }
            let path = real.join(&name);
            match seen.iter().find(|(other, _)| *other == name) {
                Some((_, other)) if *other == path => continue,
                Some(_) => shadowed.push(path.display().to_string()),
                None => {
                    if is_malformed(&std::fs::read_to_string(&path).unwrap_or_default()) {
                        malformed.push(path.display().to_string());
                    }
                    seen.push((name, path));
                }
            }
        }
    }
    (malformed, shadowed)
}

/// "Assignment outside of section. Ignoring.", as systemd says of it.
fn is_malformed(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    lines.next().is_some_and(|line| !line.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_before_any_section_is_malformed() {
        assert!(is_malformed("# x\n\nEnvironment=A=b\n[Service]\n"));
        assert!(!is_malformed("; x\n[Service]\nEnvironment=A=b\n"));
        assert!(!is_malformed(""));
    }
}
