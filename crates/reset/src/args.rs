//! What is asked of a reset; the names are the options of `aggressive_reset`. Bad input is refused here, before anything is
//! looked at.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use host::cidr::Cidr;
use serde::{Deserialize, Serialize};

use crate::parts::ALL;
pub use crate::parts::{Level, PARTS, Part};

/// Preserved where nobody says what is.
pub const PRESERVE: [&str; 2] = ["/srv/media", "/mnt/media"];
/// More directories or networks than this no node has.
const MOST: usize = 256;
/// A longer path the kernel takes for no path (PATH_MAX).
const LONGEST_PATH: usize = 4096;
/// More preserved paths than this are a list of files by mistake; each is walked twice.
const MOST_PRESERVED: usize = 4096;

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// How far it goes.
    pub level: Level,
    /// What must not change.
    pub preserve: Vec<PathBuf>,
    /// Only these parts; nothing means all of the level.
    pub scope: Option<Vec<Part>>,
    /// Whether a control plane may be reset.
    pub allow_control_plane: bool,
    /// Whether another distribution's node may be reset.
    pub allow_other_kubernetes: bool,
    /// Networks that are pods' by the user's word.
    pub pod_networks: Vec<String>,
    /// What becomes of containerd's configuration.
    pub containerd_config: ContainerdConfig,
    /// What becomes of what is not known to be Kubernetes' own.
    pub unknown: Unknown,
    /// What is Kubernetes' own although a mount or a link makes one doubt it.
    pub own_paths: Vec<PathBuf>,
    /// Seconds.
    pub timeout: i64,
}

/// What becomes of what is not known to be Kubernetes' own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// It stays, and is named.
    Keep,
    /// It goes.
    Delete,
}

/// What becomes of containerd's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContainerdConfig {
    /// CRI is enabled and SystemdCgroup set.
    Repair,
    /// It stays as it is.
    Keep,
}

impl Args {
    /// The defaults at a level, for a module that resets as a step of its own work.
    pub fn of(level: Level) -> Self {
        Self {
            level,
            preserve: PRESERVE.map(PathBuf::from).to_vec(),
            scope: None,
            allow_control_plane: false,
            allow_other_kubernetes: false,
            pod_networks: Vec::new(),
            containerd_config: ContainerdConfig::Repair,
            unknown: Unknown::Keep,
            own_paths: Vec::new(),
            timeout: 300,
        }
    }

    /// Whether the part is asked for.
    pub fn wants(&self, part: Part) -> bool {
        // The state of running pods cannot be deleted.
        let implied = |scope: &[Part]| {
            part == Part::Pods && (scope.contains(&Part::Kubelet) || scope.contains(&Part::Containerd))
        };
        part.belongs_to(self.level) && self.scope.as_ref().is_none_or(|scope| scope.contains(&part) || implied(scope))
    }

    /// The parts asked for, in a fixed order.
    pub fn parts(&self) -> Vec<Part> {
        ALL.into_iter().filter(|part| self.wants(*part)).collect()
    }

    /// The time there is.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }

    /// Refuses what cannot be meant, naming option, value and what would be right.
    pub fn validate(&self) -> Result<()> {
        ensure!(
            (1..=86_400).contains(&self.timeout),
            "option timeout is {}: it must be a number of seconds from 1 to 86400",
            self.timeout
        );
        ensure!(
            self.preserve.len() <= MOST_PRESERVED,
            "option preserve has {} paths: at most {MOST_PRESERVED} can be compared; name the directories they lie in",
            self.preserve.len()
        );
        for (option, number) in [("own_paths", self.own_paths.len()), ("pod_networks", self.pod_networks.len())] {
            ensure!(number <= MOST, "option {option} has {number} elements: a node has at most {MOST} of them");
        }
        let preserved = self.preserve.iter().map(|path| ("preserve", path, "/srv/media"));
        let own = self.own_paths.iter().map(|path| ("own_paths", path, "/data/kubelet"));
        for (option, path, example) in preserved.chain(own) {
            let length = path.as_os_str().len();
            ensure!(
                length < LONGEST_PATH,
                "option {option} has a path of {length} bytes: it must have fewer than {LONGEST_PATH}"
            );
            let shown = path.display();
            ensure!(
                path.is_absolute(),
                "option {option} has {shown:?}: it must be an absolute path, such as {example}"
            );
            ensure!(
                !path.components().any(|part| part == std::path::Component::ParentDir),
                "option {option} has {shown:?}: it must not contain .., which means another directory behind a link"
            );
        }
        for network in &self.pod_networks {
            if let Err(error) = network.parse::<Cidr>() {
                anyhow::bail!("option pod_networks has {network:?}: {error}");
            }
        }
        let scope = self.scope.as_deref().unwrap_or_default();
        ensure!(
            self.scope.is_none() || !scope.is_empty(),
            "option scope is an empty list: leave it out for everything, or name parts of {}",
            PARTS.join(", ")
        );
        if let Some(part) = scope.iter().find(|part| !part.belongs_to(self.level)) {
            anyhow::bail!(
                "option scope has {}, which level {} does not touch: use level aggressive, or leave it out",
                part.name(),
                self.level.name()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_input_is_refused_with_the_option_and_what_would_be_right() {
        let refused = |change: fn(&mut Args)| {
            let mut args = Args::of(Level::Gentle);
            change(&mut args);
            format!("{:#}", args.validate().unwrap_err())
        };
        assert!(Args::of(Level::Gentle).validate().is_ok());
        assert!(refused(|args| args.timeout = 0).starts_with("option timeout is 0: "));
        assert!(refused(|args| args.preserve = vec!["media".into()]).starts_with("option preserve has \"media\": "));
        assert!(refused(|args| args.preserve = vec!["/srv/../x".into()]).contains("must not contain .."));
        assert!(
            refused(|args| args.own_paths = vec!["kubelet".into()]).starts_with("option own_paths has \"kubelet\": ")
        );
        assert!(
            refused(|args| args.preserve = vec!["/x".into(); 20_000]).starts_with("option preserve has 20000 paths: ")
        );
        assert!(
            refused(|args| args.own_paths = vec!["/x".into(); 300]).starts_with("option own_paths has 300 elements: ")
        );
        assert!(
            refused(|args| args.preserve = vec![format!("/{}", "x".repeat(5000)).into()])
                .starts_with("option preserve has a path of 5001 bytes: ")
        );
        assert!(refused(|args| args.scope = Some(vec![Part::Containerd])).contains("level gentle does not touch"));
        assert!(
            refused(|args| args.pod_networks = vec!["10.244.0.1/16".into()]).starts_with("option pod_networks has ")
        );
        assert!(refused(|args| args.scope = Some(vec![])).starts_with("option scope is an empty list"));
    }
}
