//! dpkg: whose a program is, a package made of what is installed, and putting packages in.

use anyhow::{Context as _, bail};
use host::deadline::{Deadline, Look};
use host::files;
use host::process::Program;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// dpkg's scripts and notes of a package that go into the one that is made again.
const PARTS: [&str; 7] = ["preinst", "postinst", "prerm", "postrm", "triggers", "shlibs", "config"];

/// The package that a file belongs to; none where dpkg is not, or does not know it.
pub fn owner(path: &Path, deadline: &Deadline) -> Option<String> {
    let asked = Program::new("dpkg-query").args(["--search", "--"]).args([path]).run(deadline).ok()?;
    let said = asked.status.success().then(|| asked.stdout_text())?;
    let line = said.lines().find(|line| !line.starts_with("diversion"))?;
    Some(line.split([':', ',']).next()?.trim().to_owned())
}

/// Whether upgrades leave a package alone.
pub fn held(name: &str, deadline: &Deadline) -> bool {
    let asked = Program::new("dpkg-query").args(["--show", "--showformat=${db:Status-Want}", "--", name]).run(deadline);
    asked.is_ok_and(|output| output.stdout_text().trim() == "hold")
}

/// Sets what upgrades do with a package.
pub fn hold(names: &[String], deadline: &Deadline) -> anyhow::Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let lines: String = names.iter().map(|name| format!("{name} hold\n")).collect();
    Program::new("dpkg").args(["--set-selections"]).stdin(lines).run(deadline)?.success().map(drop)
}

/// One field of a package's file.
pub fn field(file: &Path, name: &str, deadline: &Deadline) -> anyhow::Result<String> {
    let said = Program::new("dpkg-deb").args(["--field"]).args([file.as_os_str(), name.as_ref()]).run(deadline)?;
    Ok(said.success()?.stdout_text().trim().to_owned())
}

/// Lays what is in a package's file out below a directory.
pub fn extract(file: &Path, directory: &Path, deadline: &Deadline) -> anyhow::Result<()> {
    Program::new("dpkg-deb").args(["--extract"]).args([file, directory]).run(deadline)?.success().map(drop)
}

/// What apt would have to do besides, for these files to go in: other packages that would come or go.
pub fn consequences(debs: &[PathBuf], own: &[String], deadline: &Deadline) -> anyhow::Result<Vec<String>> {
    let words = ["--simulate", "-q", "--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages"];
    let program =
        Program::new("apt-get").args(words).args(["install", "--"]).args(debs).env("DEBIAN_FRONTEND", "noninteractive");
    let output = program.run(deadline)?;
    if !output.status.success() {
        let said = format!("{}\n{}", output.stdout_text(), output.stderr_text());
        let unmet: Vec<&str> =
            said.lines().map(str::trim).filter(|line| line.contains("Depends:") || line.starts_with("E:")).collect();
        bail!("apt would not install it: {}", unmet.join("; "));
    }
    let said = output.stdout_text();
    let others = said.lines().filter_map(|line| {
        let (verb, rest) = line.split_once(' ').filter(|(verb, _)| matches!(*verb, "Inst" | "Remv"))?;
        let name = rest.split([' ', ':']).next()?;
        (!own.iter().any(|one| one == name))
            .then(|| format!("{name} would {}", if verb == "Inst" { "come" } else { "go" }))
    });
    Ok(others.collect::<BTreeSet<_>>().into_iter().collect())
}

/// Puts packages in, with the configuration as it is. Waits for whoever else is at work with dpkg.
pub fn install(debs: &[PathBuf], deadline: &Deadline) -> anyhow::Result<()> {
    if debs.is_empty() {
        return Ok(());
    }
    let program =
        Program::new("dpkg").args(["--force-confold", "--force-confdef", "--force-downgrade", "--install", "--"]);
    let program =
        program.args(debs).env("DEBIAN_FRONTEND", "noninteractive").env("PATH", kubeadm::program::search_path());
    deadline.poll(Duration::from_secs(1), "dpkg", || {
        let output = program.run(deadline)?;
        if !output.status.success() && output.stderr_text().contains("locked by another process") {
            return Ok(Look::NotYet("another process has its lock".into()));
        }
        output.success()?;
        Ok(Look::Ready(()))
    })
}

/// Makes a package of what is installed of `name`: the way back needs no repository, which may have newer ones only, and
/// dpkg's record is right afterwards. Files that are not there (documentation that a small image leaves out) are left out.
pub fn repack(name: &str, directory: &Path, deadline: &Deadline) -> anyhow::Result<PathBuf> {
    let doing = || format!("making a package of the {name} that is installed");
    let tree = directory.join(format!("{name}.tree"));
    let control = tree.join("DEBIAN");
    files::make_dir(&control, 0o755)?;
    let status =
        Program::new("dpkg-query").args(["--status", "--", name]).run(deadline)?.success().with_context(doing)?;
    let (text, conffiles) = stanza(&status.stdout_text());
    files::write_atomic(control.join("control"), text.as_bytes(), 0o644)?;
    if !conffiles.is_empty() {
        files::write_atomic(control.join("conffiles"), (conffiles.join("\n") + "\n").as_bytes(), 0o644)?;
    }
    for part in PARTS {
        let bytes = files::read_optional(format!("/var/lib/dpkg/info/{name}.{part}"))?;
        let Some(bytes) = bytes else { continue };
        files::write_atomic(
            control.join(part),
            &bytes,
            if part.contains("inst") || part.contains("rm") { 0o755 } else { 0o644 },
        )?;
    }
    let list =
        Program::new("dpkg-query").args(["--listfiles", "--", name]).run(deadline)?.success().with_context(doing)?;
    for path in list.stdout_text().lines().filter(|line| line.starts_with('/') && *line != "/.") {
        lay(Path::new(path), &tree).with_context(doing)?;
    }
    for conffile in conffiles {
        // A missing one would be no part of the package, and dpkg would take it for removed.
        let there = tree.join(conffile.trim_start_matches('/'));
        if !there.exists() {
            files::make_dir(there.parent().unwrap_or(&tree), 0o755)?;
            files::write_atomic(there, b"", 0o644)?;
        }
    }
    let file = directory.join(format!("{name}.deb"));
    let build = Program::new("dpkg-deb").args(["--root-owner-group", "-Znone", "--build"]).args([&tree, &file]);
    build.run(deadline)?.success().with_context(doing)?;
    Ok(file)
}

fn lay(path: &Path, tree: &Path) -> anyhow::Result<()> {
    let to = tree.join(path.strip_prefix("/").unwrap_or(path));
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if meta.is_symlink() && !path.is_dir() {
        let target = std::fs::read_link(path).with_context(|| format!("reading {}", path.display()))?;
        files::link(target, &to)?;
    } else if meta.is_dir() || path.is_dir() {
        files::make_dir(&to, 0o755)?;
    } else if meta.is_file() {
        std::fs::copy(path, &to).with_context(|| format!("copying {} to {}", path.display(), to.display()))?;
    }
    Ok(())
}

/// The control file of an installed package's record, and its configuration files.
fn stanza(status: &str) -> (String, Vec<String>) {
    let (mut text, mut conffiles, mut inside) = (String::new(), Vec::new(), false);
    for line in status.lines() {
        if line.starts_with(' ') && inside {
            let mut words = line.split_whitespace();
            let path = words.next().unwrap_or_default();
            if !line.ends_with("obsolete") && path.starts_with('/') {
                conffiles.push(path.to_owned());
            }
            continue;
        }
        inside = line.starts_with("Conffiles:");
        if !inside && !line.starts_with("Status:") && !line.starts_with("Config-Version:") {
            text.push_str(line);
            text.push('\n');
        }
    }
    (text, conffiles)
}

#[cfg(test)]
mod tests {
    use super::stanza;

    #[test]
    fn a_record_becomes_a_control_file() {
        let record = "Package: containerd\nStatus: hold ok installed\nVersion: 1.6\nConffiles:\n /etc/containerd/config.toml 0123\n /etc/x 99 obsolete\nDescription: x\n more\n";
        let (text, conffiles) = stanza(record);
        assert_eq!(text, "Package: containerd\nVersion: 1.6\nDescription: x\n more\n");
        assert_eq!(conffiles, ["/etc/containerd/config.toml"]);
    }
}
