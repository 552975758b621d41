//! How far a DaemonSet's rollout is, by its status. Pure.

use serde_json::Value;

/// Which nodes run the newest version of a DaemonSet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollout {
    /// The controller has seen the newest version: before that, its numbers are about an older one.
    seen: bool,
    wanted: i64,
    updated: i64,
    available: i64,
}

impl Rollout {
    /// Reads it from the live object.
    pub fn of(daemon_set: &Value) -> Self {
        let number = |path: &str| daemon_set.pointer(path).and_then(Value::as_i64).unwrap_or(0);
        Rollout {
            seen: number("/status/observedGeneration") >= number("/metadata/generation"),
            wanted: number("/status/desiredNumberScheduled"),
            updated: number("/status/updatedNumberScheduled"),
            available: number("/status/numberAvailable"),
        }
    }

    /// Whether every node that should run it does.
    pub fn is_complete(&self) -> bool {
        self.seen && self.wanted > 0 && self.updated >= self.wanted && self.available >= self.wanted
    }
}

impl std::fmt::Display for Rollout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} nodes", self.available, self.wanted)
    }
}
