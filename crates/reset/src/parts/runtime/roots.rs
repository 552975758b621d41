//! Where containerd really keeps its things: as the configuration says that its unit starts it with, not by name.

use std::path::PathBuf;

use anyhow::{Context, Result};
use host::deadline::Deadline;
use host::process::Program;
use host::remove::What;
use host::{files, systemd};
use node::containerd::service::argv;

use super::{SOCKET, UNIT};
use crate::args::Part;
use crate::trees::targets::{CONTAINERD, Target};

/// containerd's directories and socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    /// Images, snapshots and the database: `root`.
    pub root: PathBuf,
    /// What belongs to running containers: `state`.
    pub state: PathBuf,
    /// Its own socket, `grpc.address`.
    pub socket: String,
}

impl Default for Roots {
    fn default() -> Self {
        Self { root: CONTAINERD[0].into(), state: CONTAINERD[1].into(), socket: SOCKET.to_owned() }
    }
}

impl Roots {
    /// Those of the unit, by containerd's own `config dump` with the unit's own options.
    pub fn of_unit(deadline: &Deadline) -> Result<Self> {
        let shown = systemd::show(UNIT, &["ExecStart"], deadline)?;
        let argv = argv(shown.get("ExecStart").map(String::as_str).unwrap_or_default());
        let (program, options) = argv.split_first().context("containerd's unit starts nothing")?;
        let mut dump = Program::new(program);
        if let Some(config) = option(options, &["--config", "-c"]) {
            dump = dump.args(["--config", &config]);
        }
        let text = dump.args(["config", "dump"]).run(deadline)?.success()?.stdout_text();
        let mut roots = Self::of_dump(&text);
        for (names, place) in [(["--root", "-root"], &mut roots.root), (["--state", "-state"], &mut roots.state)] {
            if let Some(value) = option(options, &names) {
                *place = value.into();
            }
        }
        if let Some(value) = option(options, &["--address", "-a"]) {
            roots.socket = value;
        }
        Ok(roots)
    }

    fn of_dump(text: &str) -> Self {
        let mut roots = Self::default();
        let mut table = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix('[') {
                table = name.trim_end_matches(']').to_owned();
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches(['"', '\'']);
            match (table.as_str(), key.trim()) {
                ("", "root") if !value.is_empty() => roots.root = value.into(),
                ("", "state") if !value.is_empty() => roots.state = value.into(),
                ("grpc", "address") if !value.is_empty() => roots.socket = value.to_owned(),
                _ => {}
            }
        }
        roots
    }

    /// What of them is deleted. The default directories are containerd's alone; of any other only what containerd itself
    /// puts there, because somebody chose a place that may have other things in it.
    pub fn targets(&self) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        let target = |path: PathBuf| Target { part: Part::Containerd, path, what: What::Contents };
        for (real, default) in [(&self.root, CONTAINERD[0]), (&self.state, CONTAINERD[1])] {
            if real == &PathBuf::from(default) {
                targets.push(target(real.clone()));
                continue;
            }
            let names = files::names(real)?.into_iter();
            let own = names.filter(|name| name.to_string_lossy().starts_with("io.containerd.") || name == "tmpmounts");
            targets.extend(own.map(|name| target(real.join(name))));
        }
        Ok(targets)
    }
}

fn option(words: &[String], names: &[&str]) -> Option<String> {
    words.iter().enumerate().find_map(|(at, word)| {
        names.iter().find_map(|name| match word.strip_prefix(name)? {
            "" => words.get(at + 1).cloned(),
            rest => rest.strip_prefix('=').map(str::to_owned),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_come_from_the_dump_and_the_top_level_only() {
        let roots = Roots::of_dump(
            "root = \"/data/containerd\"\nstate = '/run/other'\n[grpc]\n  address = \"/run/c.sock\"\n[plugins]\n  root = \"/x\"\n[ttrpc]\n  address = \"\"\n",
        );
        assert_eq!((roots.root, roots.state), ("/data/containerd".into(), "/run/other".into()));
        assert_eq!(roots.socket, "/run/c.sock");
        assert_eq!(Roots::of_dump("root = \"\"\nversion = 2\n"), Roots::default());
    }

    #[test]
    fn the_units_options_are_found_in_both_spellings() {
        let words = argv(
            "{ path=/usr/bin/containerd ; argv[]=/usr/bin/containerd --config /x.toml --root=/data ; ignore_errors=no }",
        );
        assert_eq!(words[0], "/usr/bin/containerd");
        assert_eq!(option(&words, &["--config", "-c"]).as_deref(), Some("/x.toml"));
        assert_eq!(option(&words, &["--root", "-root"]).as_deref(), Some("/data"));
        assert_eq!(option(&words, &["--state", "-state"]), None);
    }
}
