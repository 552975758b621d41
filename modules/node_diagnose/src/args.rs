//! The options of `node_diagnose`, and what makes them wrong.

use ansible::{Kind, Opt, Spec};
use anyhow::ensure;
use serde::Deserialize;
use std::path::PathBuf;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "node_diagnose",
    summary: "What is wrong with a node, what it comes from, and what mends it",
    options: &[
        Opt::new(
            "config_path",
            Kind::Path,
            "containerd's configuration file. Left out, the one that C(containerd.service) starts with.",
        ),
        Opt::new("cni_conf_dir", Kind::Path, "The directory of CNI configuration files.").default("\"/etc/cni/net.d\""),
        Opt::new("socket", Kind::Str, "containerd's socket, as a path or with unix://.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new(
            "protected",
            Kind::List(&Kind::Path),
            "Directories with data of people, named in the report with what is mounted there.",
        )
        .default("[\"/srv/media\", \"/mnt/media\"]"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together. What hangs is given 2 of them.").default("30"),
    ],
    rules: &[],
};

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// containerd's configuration file; without it, the one that containerd.service starts with.
    pub config_path: Option<PathBuf>,
    /// The directory of CNI configuration files.
    pub cni_conf_dir: PathBuf,
    /// containerd's socket, as given.
    socket: String,
    /// Directories with data of people.
    pub protected: Vec<PathBuf>,
    timeout: i64,
}

impl Args {
    /// Refuses what cannot be right; an error names the option, its value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        let config = self.config_path.iter().map(|path| ("config_path", path));
        let single = config.chain([("cni_conf_dir", &self.cni_conf_dir)]);
        for (option, path) in single.chain(self.protected.iter().map(|p| ("protected", p))) {
            let shown = path.display().to_string();
            ensure!(path.is_absolute(), "option {option} is {shown:?}: use an absolute path");
        }
        ensure!(self.socket().starts_with('/'), "option socket is {:?}: use a path or a unix:// URL", self.socket);
        ensure!((5..=600).contains(&self.timeout), "option timeout is {}: use seconds from 5 to 600", self.timeout);
        Ok(())
    }

    /// The path of containerd's socket.
    pub fn socket(&self) -> &str {
        self.socket.strip_prefix("unix://").unwrap_or(&self.socket)
    }

    /// The time for everything together.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_json_and_the_defaults_are_options_the_module_takes() {
        let default = |o: &Opt| o.default.map_or(serde_json::Value::Null, |json| serde_json::from_str(json).unwrap());
        let all: serde_json::Map<_, _> = SPEC.options.iter().map(|o| (o.name.to_owned(), default(o))).collect();
        let args: Args = serde_json::from_value(all.into()).unwrap();
        assert_eq!(args.socket, "unix:///run/containerd/containerd.sock");
    }
}
