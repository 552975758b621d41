//! What is told: the steps, and what containerd says of itself.

use crate::answer::Answer;
use crate::args::Args;
use ansible::{Failure, Outcome};
use node::containerd::observe::State;
use node::containerd::plan::Plan;
use serde_json::json;

/// `steps`, `config_version`, `restart_needed`; of a containerd that answers also `containerd_version`, `cri` and
/// `image_filesystem`. A file system on which no pod can run is a failure.
pub(crate) fn report(
    args: &Args,
    state: &State,
    plan: &Plan,
    now: Option<&Answer>,
    planned: bool,
) -> anyhow::Result<Outcome> {
    let mut outcome = plan.outcome(state);
    let Some(Answer { runtime, images }) = now else { return Ok(outcome.msg(without_answer(plan))) };
    let status = &runtime.status;
    let network = status.network().filter(|_| status.holds(cri::NETWORK_READY)).map(|network| network.name);
    outcome.set("containerd_version", &runtime.version.runtime_version);
    outcome.set(
        "cri",
        json!({
            "api": runtime.version.api,
            "runtime_ready": status.holds(cri::RUNTIME_READY),
            "network_ready": status.holds(cri::NETWORK_READY),
            "cni_load_status": status.last_cni_load_status(),
            "network": status.network().map(|n| n.name),
            "plugin_dirs": status.plugin_dirs(),
            "systemd_cgroup": status.systemd_cgroup(),
        }),
    );
    if plan.network && network.is_none() && !planned {
        let why = status.last_cni_load_status().unwrap_or("it does not say why");
        outcome.warn(format!("containerd has no pod network although a CNI configuration is there: {why}"));
    }
    outcome.set("image_filesystem", images.to_json());
    match images.space.problem() {
        None => {}
        Some(problem @ ("is full" | "has no inodes left")) => {
            outcome.warn(format!("the image filesystem at {} {problem}: no image can be pulled", images.path));
        }
        Some(problem) => {
            let msg = format!("the image filesystem at {} {problem}: kubelet cannot run pods on it", images.path);
            return Err(Failure::new(msg).with(outcome).into());
        }
    }
    let network = match network {
        Some(name) => format!("has the pod network {name}"),
        None => "has no pod network yet".to_owned(),
    };
    let then = if planned && plan.restart.is_some() && args.start { ", before the changes" } else { "" };
    let (version, api) = (&runtime.version.runtime_version, &runtime.version.api);
    Ok(outcome.msg(format!("containerd {version} answers over CRI {api} and {network}{then}")))
}

fn without_answer(plan: &Plan) -> String {
    match (&plan.restart, &plan.restart_left) {
        (Some(restart), _) => format!("containerd does not answer, a {} is needed: {}", restart.verb, restart.why),
        (None, Some(left)) => format!("containerd is configured and was not asked to {}: {}", left.verb, left.why),
        (None, None) => "containerd is configured".to_owned(),
    }
}
