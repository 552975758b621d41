//! What happens after a failed attempt. Pure: the diagnosis decides, the numbers only bound it.

use crate::args::{Args, Cleanup, OnConflict};
use kubeadm::classify::{Action, Row, Weight};
use std::time::Duration;

/// Less than this is not enough for another attempt.
const SHORTEST: Duration = Duration::from_secs(8);
/// Between looks at a Node that has to become NotReady.
const CONFLICT_PAUSE: Duration = Duration::from_secs(5);
/// The node controller marks a Node that is gone after 40 to 50 seconds; after this it will not any more.
const CONFLICT_PATIENCE: Duration = Duration::from_secs(120);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A failed attempt, as far as it matters here.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    /// Its cause.
    pub row: &'static Row,
    /// How long it took, with the pause before it.
    pub seconds: f64,
}

/// What is done about the cause before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Take the failed attempt back, nothing else.
    None,
    /// Load kernel modules, set sysctls.
    FixKernel,
    /// Raise the inotify limits.
    RaiseLimits,
    /// Restart the container runtime.
    RestartRuntime,
    /// Make the kubelet's unit startable.
    FixKubelet,
    /// Clean up, up to this level.
    Clean(Cleanup),
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Tell a human, or the caller, who may refresh a token or delete a Node.
    GiveUp,
    /// Do this, wait so long, try again.
    Again {
        /// What to do.
        remedy: Remedy,
        /// How long to wait after it.
        pause: Duration,
    },
}

/// Decides after the last of `history`, with `left` time. `jitter` is 0 to 1, so that many nodes do not try at once.
pub fn next(args: &Args, history: &[Tried], left: Duration, jitter: f64) -> Next {
    let Some(last) = history.last() else { return Next::GiveUp };
    if !last.row.retry_safe || left < SHORTEST {
        return Next::GiveUp;
    }
    if last.row.action == Action::ResolveNode {
        return conflict(args, history, left);
    }
    let counted = history.iter().filter(|tried| tried.row.action != Action::ResolveNode).count();
    if counted > args.max_retries.unsigned_abs() as usize {
        return Next::GiveUp;
    }
    // Words that name no cause: trying again is a guess, and guessed once.
    let guesses = history.iter().filter(|tried| tried.row.weight == Weight::Unnamed).count();
    if last.row.weight == Weight::Unnamed && guesses > 1 {
        return Next::GiveUp;
    }
    // How often this very class came in a row: a remedy that did not help is not repeated for ever, but strengthened.
    let repeated = history.iter().rev().take_while(|tried| tried.row.class == last.row.class).count();
    let remedy = match last.row.action {
        Action::Stop | Action::RefreshToken | Action::ResolveNode => return Next::GiveUp,
        Action::Retry | Action::Wait => Remedy::None,
        Action::FixKernel if repeated == 1 => Remedy::FixKernel,
        Action::RaiseLimits if repeated == 1 => Remedy::RaiseLimits,
        Action::RestartRuntime if repeated <= 2 => Remedy::RestartRuntime,
        Action::FixKubelet if repeated == 1 => Remedy::FixKubelet,
        Action::Clean => match cleanup(args.cleanup, repeated) {
            Some(level) => Remedy::Clean(level),
            None => return Next::GiveUp,
        },
        _ => return Next::GiveUp,
    };
    let pause = if remedy == Remedy::None { backoff(repeated, jitter) } else { Duration::ZERO };
    if pause + SHORTEST > left { Next::GiveUp } else { Next::Again { remedy, pause } }
}

/// The levels one after the other, up to the one allowed.
fn cleanup(allowed: Cleanup, repeated: usize) -> Option<Cleanup> {
    let levels = [Cleanup::Leftovers, Cleanup::Gentle, Cleanup::Aggressive];
    levels.get(repeated - 1).copied().filter(|level| *level <= allowed)
}

/// Trying again is cheap (0.2 s, measured) and is the only way for a worker to ask; it counts as no retry.
fn conflict(args: &Args, history: &[Tried], left: Duration) -> Next {
    let waited: f64 =
        history.iter().filter(|tried| tried.row.action == Action::ResolveNode).map(|tried| tried.seconds).sum();
    let patience = waited < CONFLICT_PATIENCE.as_secs_f64() && left > CONFLICT_PAUSE + SHORTEST;
    match args.on_node_conflict {
        OnConflict::Wait if patience => Next::Again { remedy: Remedy::None, pause: CONFLICT_PAUSE },
        _ => Next::GiveUp,
    }
}

/// 1, 2, 4, 8, 15 seconds and up to half of that on top.
fn backoff(repeated: usize, jitter: f64) -> Duration {
    let base = Duration::from_secs(1 << (repeated - 1).min(4)).min(LONGEST_PAUSE);
    base.mul_f64(1.0 + 0.5 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
