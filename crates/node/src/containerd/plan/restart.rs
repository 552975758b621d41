//! Whether containerd has to be started anew, and why.

use super::{FileEdit, has_network};
use crate::containerd::config::edit::{BinDirSetting, Wanted};
use crate::containerd::observe::{Runtime, State};

/// Why containerd is restarted, or started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restart {
    /// The verb for the person: start or restart.
    pub verb: &'static str,
    /// The half sentence after it.
    pub why: String,
}

/// Decides from what containerd says and from what is edited.
pub(super) fn restart(state: &State, wanted: &Wanted, edits: &[FileEdit]) -> Option<Restart> {
    let (verb, why) = match &state.runtime {
        Err(why) if state.unit.active == "inactive" => ("start", why.to_string()),
        Err(why) => ("restart", why.to_string()),
        Ok(_) if !edits.is_empty() => ("restart", "its configuration changed".to_owned()),
        Ok(runtime) => ("restart", outdated(state, wanted, runtime)?),
    };
    Some(Restart { verb, why })
}

/// Why a containerd that answers is not the one its configuration describes: somebody edited and did not restart.
fn outdated(state: &State, wanted: &Wanted, runtime: &Runtime) -> Option<String> {
    if let Some(other) = state.unit.running.as_deref().filter(|path| *path != state.unit.config_path()) {
        let now = state.unit.config_path().display();
        return Some(format!("it was started with {}, and its unit names {now} by now", other.display()));
    }
    if let Some(why) = unlike(wanted, runtime) {
        return Some(format!("{why}, unlike its configuration"));
    }
    let status = &runtime.status;
    if !status.holds(cri::RUNTIME_READY) {
        return Some("it says that it is not ready".to_owned());
    }
    if !status.holds(cri::NETWORK_READY) && has_network(state) {
        // containerd passes over a file renamed in from elsewhere (containerd#11715).
        return Some(format!("it has not noticed the CNI configuration in {}", state.conf_dir.display()));
    }
    None
}

/// What of the settings asked for is not in force in the containerd that runs, by its own word over CRI.
pub(in crate::containerd) fn unlike(wanted: &Wanted, runtime: &Runtime) -> Option<String> {
    let status = &runtime.status;
    if let Some(running) = status.systemd_cgroup().filter(|running| *running != wanted.systemd_cgroup) {
        return Some(format!("it runs with SystemdCgroup {running}"));
    }
    let config = status.info.get("config");
    let running = config.and_then(|c| c.get("restrictOOMScoreAdj")?.as_bool());
    if let (Some(running), Some(wanted)) = (running, wanted.restrict_oom_score_adj)
        && running != wanted
    {
        return Some(format!("it runs with restrict_oom_score_adj {running}"));
    }
    let image = config.and_then(|c| c.get("sandboxImage")?.as_str());
    if let (Some(image), Some(wanted)) = (image, &wanted.sandbox_image)
        && image != wanted
    {
        return Some(format!("it runs with the sandbox image {image}"));
    }
    let dirs = status.plugin_dirs();
    let missing = match &wanted.bin_dir {
        Some(BinDirSetting::One(dir)) => !dirs.contains(dir),
        Some(BinDirSetting::List(list)) => !list.iter().all(|d| dirs.contains(d)),
        None => false,
    };
    if missing && !dirs.is_empty() {
        return Some(format!("it looks for CNI plugins in {}", dirs.join(", ")));
    }
    None
}
