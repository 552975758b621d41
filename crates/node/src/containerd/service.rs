//! What systemd starts as containerd: the file that is in force is the one that the unit names, not the usual one.
//!
//! A unit of one's own (`containerd --config /data/containerd.toml`, k0s, a vendor's drop-in) reads nothing of
//! /etc/containerd/config.toml: whoever edits that changes nothing, and a restart for it comes again on every run.

use super::release;
use host::deadline::Deadline;
use host::{files, systemd};
use std::path::{Path, PathBuf};

/// The unit.
pub const UNIT: &str = "containerd.service";
/// What containerd reads when it is told nothing (containerd `defaults/defaults_unix.go`).
pub const CONFIG: &str = "/etc/containerd/config.toml";

/// The unit, as systemd has loaded it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// `loaded`, `not-found`, `masked`.
    pub load: String,
    /// `active`, `inactive`, `failed`, …
    pub active: String,
    /// The program that it starts.
    pub program: Option<PathBuf>,
    /// The words behind the program.
    pub words: Vec<String>,
    /// The configuration that it starts with, when it names one.
    pub config: Option<PathBuf>,
    /// The configuration that the running process was started with, when it was told one.
    pub running: Option<PathBuf>,
}

impl Service {
    /// Asks systemd; where that does not run there is no unit.
    pub fn observe(deadline: &Deadline) -> anyhow::Result<Self> {
        if !Path::new("/run/systemd/system").is_dir() {
            return Ok(Service { load: "not-found".into(), active: "inactive".into(), ..Service::default() });
        }
        let mut shown = systemd::show(UNIT, &["LoadState", "ActiveState", "ExecStart", "MainPID"], deadline)?;
        let mut take = |key: &str| shown.remove(key).unwrap_or_default();
        let exec = take("ExecStart");
        let words = argv(&exec);
        let pid = take("MainPID");
        Ok(Service {
            load: take("LoadState"),
            active: take("ActiveState"),
            program: words.first().map(PathBuf::from).filter(|path| path.is_absolute()),
            config: config_of(&words),
            words: words.into_iter().skip(1).collect(),
            running: config_of(&command_line(&pid)),
        })
    }

    /// The configuration that a start of the unit reads.
    pub fn config_path(&self) -> &Path {
        self.config.as_deref().unwrap_or(Path::new(CONFIG))
    }

    /// The program that reads it, for `config dump`.
    pub fn program(&self) -> Option<PathBuf> {
        self.program.clone().filter(|path| path.is_file()).or_else(|| release::program().map(PathBuf::from))
    }
}

/// The configuration that the value of a unit's `ExecStart` names.
pub fn named_by(exec: &str) -> Option<PathBuf> {
    config_of(&argv(exec))
}

/// The words of `{ path=/usr/bin/containerd ; argv[]=/usr/bin/containerd --config /x ; ignore_errors=no ; … }`.
pub fn argv(exec: &str) -> Vec<String> {
    let line = exec.split(" ; ").find_map(|part| part.trim().strip_prefix("argv[]="));
    line.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn command_line(pid: &str) -> Vec<String> {
    if pid.parse::<u32>().ok().filter(|pid| *pid > 0).is_none() {
        return Vec::new();
    }
    // A process that has just ended has none.
    let bytes = files::read_optional(Path::new("/proc").join(pid).join("cmdline")).ok().flatten().unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// `--config X`, `--config=X`, `-c X` and `-config X`, as containerd's urfave/cli reads them.
fn config_of(words: &[String]) -> Option<PathBuf> {
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        let name = word.trim_start_matches('-');
        if word.len() == name.len() {
            continue;
        }
        match name.split_once('=') {
            Some(("config" | "c", value)) => return Some(value.into()),
            None if name == "config" || name == "c" => return words.next().map(PathBuf::from),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<String> {
        let exec = format!("{{ path=/usr/bin/containerd ; argv[]={line} ; ignore_errors=no ; pid=0 ; status=0/0 }}");
        config_of(&argv(&exec)).map(|path| path.display().to_string())
    }

    #[test]
    fn the_configuration_is_found_however_the_unit_spells_it() {
        for line in [
            "/usr/bin/containerd --config /data/c.toml",
            "/usr/bin/containerd --log-level debug --config=/data/c.toml",
            "/usr/bin/containerd -c /data/c.toml --root /data",
            "/usr/bin/containerd -config=/data/c.toml",
        ] {
            assert_eq!(of(line).as_deref(), Some("/data/c.toml"), "{line}");
        }
        assert_eq!(of("/usr/bin/containerd"), None);
        assert_eq!(of("/usr/bin/containerd --address /run/config"), None);
        assert_eq!(config_of(&argv("")), None);
    }
}
