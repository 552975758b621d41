//! containerd is configured for Kubernetes, running, and answering over CRI.
//!
//! `args -> observe -> plan -> apply`: the plan is pure, check mode stops before `apply`. What is not asked for stays as it
//! is: the configuration is edited in place, never regenerated.

pub mod apply;
pub mod args;
pub mod bin_dir;
pub mod config;
pub mod crictl;
pub mod image_filesystem;
pub mod journal;
pub mod observe;
pub mod plan;
pub mod release;
pub mod repair;

pub use image_filesystem::{ImageFilesystem, image_filesystem};

use ansible::{Failure, Outcome, Params, Task};
use anyhow::bail;
use cri::{self, Client};
use host::deadline::{Deadline, Look};
use observe::Runtime;
use serde_json::json;
use std::time::{Duration, SystemTime};

/// The module as Ansible runs it.
pub static MODULE: ansible::Module = ansible::Module { spec: &args::SPEC, run };

/// How long containerd may take to load a CNI configuration after it answers; it watches the directory.
const NETWORK_LOAD: Duration = Duration::from_secs(5);

fn run(params: Params, task: &Task) -> anyhow::Result<Outcome> {
    let args = args::Args::from_params(params)?;
    let deadline = Deadline::after(args.timeout());
    task.phase("looking at containerd and its configuration");
    let state = observe::observe(&args, &deadline)?;
    let plan = plan::plan(&args, &state)?;
    let mut outcome = plan.outcome(&state);
    if !task.check_mode {
        task.phase("configuring containerd");
        let done = apply::apply(&args, &plan, &deadline);
        done.map_err(|e| Failure::new(format!("{e:#}")).with(outcome.clone()))?;
    }
    let answers = if task.check_mode { state.runtime.is_ok() } else { args.start || state.runtime.is_ok() };
    if answers {
        task.phase("asking containerd");
        let network = plan::has_network(&state);
        describe(&args, network, task.check_mode, &deadline, &mut outcome)
            .map_err(|e| Failure::new(format!("{e:#}")).with(outcome.clone()))?;
    }
    let msg = sentence(&plan, &outcome, task.check_mode);
    Ok(outcome.msg(msg))
}

fn sentence(plan: &plan::Plan, outcome: &Outcome, check: bool) -> String {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (Some(version), Some(cri)) = (outcome.get("containerd_version"), outcome.get("cri")) else {
        return match (&plan.restart, &plan.restart_left) {
            (Some(restart), _) => format!("containerd does not answer, a {} is needed: {}", restart.verb, restart.why),
            (None, Some(left)) => format!("containerd is configured and was not asked to {}: {}", left.verb, left.why),
            (None, None) => "containerd is configured".to_owned(),
        };
    };
    let network = match cri.get("network").filter(|_| cri["network_ready"] == true).map(text) {
        Some(name) => format!("has the pod network {name}"),
        None => "has no pod network yet".to_owned(),
    };
    let then = if check && plan.restart.is_some() { ", before the changes" } else { "" };
    format!("containerd {} answers over CRI {} and {network}{then}", text(version), text(&cri["api"]))
}

/// Adds what containerd says of itself, and fails when that is not good enough.
fn describe(
    args: &args::Args,
    network: bool,
    check: bool,
    deadline: &Deadline,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut runtime = apply::wait(args, SystemTime::now(), deadline)?;
    if network && !check {
        runtime = wait_for_network(args, deadline, runtime);
    }
    let status = &runtime.status;
    outcome.set("containerd_version", &runtime.version.runtime_version);
    let mut client = Client::connect(args.socket_path(), deadline)?;
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
    if network && !status.holds(cri::NETWORK_READY) && !check {
        let why = status.last_cni_load_status().unwrap_or("it does not say why");
        outcome.warn(format!("containerd has no pod network although a CNI configuration is there: {why}"));
    }
    let images = image_filesystem(&mut client)?;
    outcome.set("image_filesystem", images.to_json());
    match images.space.problem() {
        None => {}
        Some(problem @ ("is full" | "has no inodes left")) => {
            outcome.warn(format!("the image filesystem at {} {problem}: no image can be pulled", images.path));
        }
        Some(problem) => bail!("the image filesystem at {} {problem}: kubelet cannot run pods on it", images.path),
    }
    Ok(())
}

fn wait_for_network(args: &args::Args, deadline: &Deadline, first: Runtime) -> Runtime {
    if first.status.holds(cri::NETWORK_READY) {
        return first;
    }
    let mut last = first;
    let looked = deadline.at_most(NETWORK_LOAD).poll(Duration::from_millis(200), "the CNI configuration", || {
        let runtime = apply::wait(args, SystemTime::now(), deadline)?;
        let ready = runtime.status.holds(cri::NETWORK_READY);
        last = runtime;
        Ok(if ready { Look::Ready(()) } else { Look::NotYet(String::new()) })
    });
    // Not ready is no failure here: it is reported, and flannel may still be to come.
    drop(looked);
    last
}
