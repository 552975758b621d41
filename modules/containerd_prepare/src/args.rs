//! The options of `containerd_prepare`, and what makes them wrong.

use ansible::{Kind, Opt, Params, Spec};
use anyhow::ensure;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "containerd_prepare",
    summary: "containerd is configured for Kubernetes, running, and answering over CRI",
    options: &[
        Opt::new(
            "config_path",
            Kind::Path,
            "containerd's configuration file. Files it imports are edited too when the value in force lives there.",
        )
        .default("\"/etc/containerd/config.toml\""),
        Opt::new(
            "systemd_cgroup",
            Kind::Bool,
            "Whether runc leaves cgroups to systemd. Must agree with kubelet's C(cgroupDriver).",
        )
        .default("true"),
        Opt::new("sandbox_image", Kind::Str, "The pause image. Left as it is when not given."),
        Opt::new(
            "cni_bin_dir",
            Kind::Str,
            "The directory of CNI plugins. V(auto) finds the one that has them all, preferring C(/opt/cni/bin). Left as it is when not given.",
        ),
        Opt::new("cni_conf_dir", Kind::Path, "The directory of CNI configuration files.").default("\"/etc/cni/net.d\""),
        Opt::new(
            "restrict_oom_score_adj",
            Kind::Bool,
            "Keeps containerd from lowering a pod's OOM score below its own, which it may not do inside a container. Left as it is when not given.",
        ),
        Opt::new(
            "crictl_config",
            Kind::Path,
            "crictl's configuration, which tells it and kubeadm where the socket is. An empty value leaves it alone.",
        )
        .default("\"/etc/crictl.yaml\""),
        Opt::new("socket", Kind::Str, "containerd's socket, as a path or with unix://.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new(
            "require_cni_config",
            Kind::Bool,
            "Refuse to start or restart containerd when there is no valid CNI configuration: CNI comes first.",
        )
        .default("true"),
        Opt::new(
            "start",
            Kind::Bool,
            "Whether to start containerd, or restart it when something changed. V(false) only writes files.",
        )
        .default("true"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together.").default("60"),
    ],
    rules: &[],
};

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// containerd's configuration file.
    pub config_path: PathBuf,
    /// runc leaves cgroups to systemd.
    pub systemd_cgroup: bool,
    /// The pause image, when one is asked for.
    pub sandbox_image: Option<String>,
    cni_bin_dir: Option<String>,
    /// The directory of CNI configuration files.
    pub cni_conf_dir: PathBuf,
    /// The OOM score setting, when one is asked for.
    pub restrict_oom_score_adj: Option<bool>,
    crictl_config: PathBuf,
    socket: String,
    /// Refuse to start containerd without a CNI configuration.
    pub require_cni_config: bool,
    /// Start or restart containerd.
    pub start: bool,
    timeout: i64,
}

/// What is asked for of the directory of CNI plugins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BinDir {
    /// Nothing.
    Keep,
    /// The directory that has the plugins.
    Auto,
    /// This one.
    Path(String),
}

impl Args {
    /// Reads and checks the options; an error names the option, its value and what would be right.
    pub fn from_params(params: Params) -> anyhow::Result<Self> {
        let args: Args = params.parse()?;
        let given = |option: &str, path: &Path| {
            ensure!(path.is_absolute(), "option {option} is {:?}: use an absolute path", path.display().to_string());
            Ok(())
        };
        given("config_path", &args.config_path)?;
        given("cni_conf_dir", &args.cni_conf_dir)?;
        if let Some(path) = args.crictl_config() {
            given("crictl_config", path)?;
        }
        ensure!(
            args.config_path.file_name().is_some(),
            "option config_path is {:?}: use a file, such as /etc/containerd/config.toml",
            args.config_path.display().to_string()
        );
        if let BinDir::Path(path) = args.cni_bin_dir() {
            ensure!(
                path.starts_with('/'),
                "option cni_bin_dir is {path:?}: use auto or an absolute path, such as /opt/cni/bin"
            );
        }
        ensure!(
            args.socket_path().starts_with('/'),
            "option socket is {:?}: use a path or a unix:// URL, such as /run/containerd/containerd.sock",
            args.socket
        );
        ensure!(
            (1..=86_400).contains(&args.timeout),
            "option timeout is {}: use seconds from 1 to 86400",
            args.timeout
        );
        if let Some(image) = &args.sandbox_image {
            let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\'' && c != '\\';
            ensure!(
                !image.is_empty() && image.chars().all(plain),
                "option sandbox_image is {image:?}: use an image name, such as registry.k8s.io/pause:3.9"
            );
        }
        Ok(args)
    }

    /// The configuration file alone: nothing of crictl's, nothing started, and only what CRI needs.
    pub(crate) fn of_repair() -> Self {
        Args {
            config_path: "/etc/containerd/config.toml".into(),
            systemd_cgroup: true,
            sandbox_image: None,
            cni_bin_dir: None,
            cni_conf_dir: "/etc/cni/net.d".into(),
            restrict_oom_score_adj: None,
            crictl_config: PathBuf::new(),
            socket: "/run/containerd/containerd.sock".to_owned(),
            require_cni_config: false,
            start: false,
            timeout: 60,
        }
    }

    /// Asks for the directory that has the CNI plugins.
    pub(crate) fn find_bin_dir(&mut self) {
        self.cni_bin_dir = Some("auto".to_owned());
    }

    /// What is asked for of the directory of CNI plugins.
    pub fn cni_bin_dir(&self) -> BinDir {
        match self.cni_bin_dir.as_deref() {
            None | Some("" | "none") => BinDir::Keep,
            Some("auto") => BinDir::Auto,
            Some(path) => BinDir::Path(path.to_owned()),
        }
    }

    /// crictl's configuration, unless it is to be left alone.
    pub fn crictl_config(&self) -> Option<&Path> {
        (!self.crictl_config.as_os_str().is_empty()).then_some(self.crictl_config.as_path())
    }

    /// The socket without `unix://`.
    pub fn socket_path(&self) -> &str {
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
        assert_eq!(args.socket_path(), "/run/containerd/containerd.sock");
    }
}
