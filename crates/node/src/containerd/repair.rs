//! The configuration alone, for a module that stops and starts containerd itself: CRI enabled, cgroups left to systemd.
//!
//! Everything else in the files stays. A main file that is no TOML keeps containerd from starting at all: it is kept beside
//! as `<name>.rejected`, and a new one takes its place. Whatever else cannot be read is an error, and nothing is changed.

use std::path::{Path, PathBuf};

use ansible::Diff;
use anyhow::Result;
use host::deadline::Deadline;
use host::files;
use toml_edit::DocumentMut;

use crate::containerd::args::Args;
use crate::containerd::config::names::Names;
use crate::containerd::config::{Config, ConfigFile};
use crate::containerd::observe::State;
use crate::containerd::plan::{self, Plan};
use crate::containerd::service::Service;
use crate::containerd::{apply, release};

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Repair {
    args: Args,
    plan: Plan,
    /// The main file.
    path: PathBuf,
    /// Its text as it was, when it is not TOML.
    broken: Option<String>,
}

impl Repair {
    /// Reads containerd's configuration and decides; `None` when it is as it should be.
    pub fn needed(deadline: &Deadline) -> Result<Option<Self>> {
        let mut args = Args::of_repair();
        let unit = Service::observe(deadline)?;
        let path = unit.config_path().to_owned();
        let broken = files::read_text(&path)?.filter(|text| text.parse::<DocumentMut>().is_err());
        let config = if broken.is_some() { empty(&path) } else { Config::load(&path)? };
        if broken.is_some() {
            // What the file said of it is lost, and pods need their plugins.
            args.find_bin_dir();
        }
        let release = release::installed(deadline);
        let runtime = Err(cri::Error::SocketMissing { socket: args.socket_path().to_owned() });
        let config = config.for_release(release);
        let state = State {
            config,
            crictl: None,
            conf_dir: args.cni_conf_dir.clone(),
            confs: Vec::new(),
            runtime,
            unit,
            unread: Vec::new(),
            release,
        };
        let mut plan = plan::plan(&args, &state)?;
        if let (Some(text), Some(edit)) = (&broken, plan.config.first_mut()) {
            edit.before = Some(text.clone());
        }
        Ok((!plan.config.is_empty()).then_some(Self { args, plan, path, broken }))
    }

    /// What is changed, a line per file.
    pub fn sentences(&self) -> Vec<String> {
        let kept = self.broken.as_ref().map(|_| format!("it is no TOML: keep it as {}", self.rejected()));
        let mut lines: Vec<String> = kept.into_iter().collect();
        lines.extend(
            self.plan.config.iter().map(|edit| format!("{}: {}", edit.path.display(), edit.changes.join("; "))),
        );
        lines
    }

    /// Each file before and after.
    pub fn diffs(&self) -> Vec<Diff> {
        let of_file = |edit: &plan::FileEdit| {
            Diff::new(edit.path.display().to_string(), edit.before.clone().unwrap_or_default(), edit.after.clone())
        };
        self.plan.config.iter().map(of_file).collect()
    }

    /// Writes the files and has containerd's own `config dump` prove them; takes them back when that fails. Neither stops
    /// nor starts containerd.
    pub fn apply(&self, deadline: &Deadline) -> Result<()> {
        if let Some(text) = &self.broken {
            files::write_atomic(self.rejected(), text.as_bytes(), 0o600)?;
        }
        apply::apply(&self.args, &self.plan, deadline)
    }

    fn rejected(&self) -> String {
        format!("{}.rejected", self.path.display())
    }
}

/// As if the main file were not there.
fn empty(path: &Path) -> Config {
    let version = 2;
    Config {
        files: vec![ConfigFile {
            path: std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
            text: None,
            document: DocumentMut::new(),
            version,
            names: Names::of(version),
            lacks_version: false,
        }],
    }
}
