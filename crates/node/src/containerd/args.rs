//! What is asked of containerd's configuration.

use anyhow::ensure;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is asked for; the names are the options of `containerd_prepare`.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// containerd's configuration file; without it, the one that containerd.service starts with.
    pub config_path: Option<PathBuf>,
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
    /// Checks them; an error names the option of `containerd_prepare`, its value and what would be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        let args = self;
        let given = |option: &str, path: &Path| {
            ensure!(path.is_absolute(), "option {option} is {:?}: use an absolute path", path.display().to_string());
            Ok(())
        };
        if let Some(path) = &args.config_path {
            given("config_path", path)?;
            ensure!(
                path.file_name().is_some(),
                "option config_path is {:?}: use a file, such as /etc/containerd/config.toml",
                path.display().to_string()
            );
        }
        given("cni_conf_dir", &args.cni_conf_dir)?;
        if let Some(path) = args.crictl_config() {
            given("crictl_config", path)?;
        }
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
        Ok(())
    }

    /// The configuration file alone: nothing of crictl's, nothing started, and only what CRI needs.
    pub(crate) fn of_repair() -> Self {
        Args {
            config_path: None,
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
