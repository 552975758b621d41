//! The kubelet, as systemd runs it: bootstrap, registration, status, lease, pods through CRI.

mod bootstrap;
mod chains;
mod flags;
mod heartbeat;
mod images;
mod journal;
mod manifests;
mod node;
mod pods;
mod podstatus;
mod server;
mod spec;
mod volumes;

use crate::cri::Cri;
use crate::net::api::Api;
use crate::yaml::items;
use crate::{banner, clock, faults, klog, kubeconfig, place, version};
use anyhow::{Result, anyhow};
use flags::Settings;
use serde_json::Value;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// `kubelet FLAGS`.
pub fn main(args: &[String]) -> ExitCode {
    if args.iter().any(|arg| arg == "--version" || arg == "--version=true") {
        println!("Kubernetes {}", version::claimed());
        return ExitCode::SUCCESS;
    }
    klog::info("rehearsal.go:1", &format!("{:?}", banner::LINE));
    banner::leave_note();
    let Ok(settings) = flags::read(args) else { return ExitCode::FAILURE };
    match run(&Arc::new(settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let line = format!("failed to run Kubelet: {error:#}");
            if version::at_least(23) {
                klog::error("run.go:74", &format!("\"command failed\" err={line:?}"));
            } else {
                klog::error("server.go:294", &format!("\"Failed to run kubelet\" err={line:?}"));
            }
            ExitCode::FAILURE
        }
    }
}

fn run(settings: &Arc<Settings>) -> Result<()> {
    journal::hello(settings);
    early_faults(settings)?;
    if !settings.standalone() {
        bootstrap::begin(&settings.kubeconfig, &settings.bootstrap, &settings.node)?;
    }
    journal::configured(settings);
    let cri = connect(settings)?;
    server::secure(&settings.node)?;
    server::health(settings.config["healthzPort"].as_u64().unwrap_or(10248) as u16)?;
    volumes::share_root()?;
    volumes::skeleton()?;
    place::dir("/var/log/pods", 0o755)?;
    journal::started(settings, &cri);
    chains::install();
    images::import_pause(&cri);
    if !settings.standalone() {
        let shared = settings.clone();
        std::thread::spawn(move || heartbeat::run(&shared));
    }
    main_loop(settings)
}

/// Faults that end the kubelet, or keep it from anything, before it has done anything.
fn early_faults(settings: &Settings) -> Result<()> {
    if faults::on("kubelet-crash") {
        return Err(anyhow!("inotify_init: too many open files"));
    }
    if faults::on("kubelet-dies") {
        return Err(anyhow!("a reason that no table knows"));
    }
    if let Some(words) = faults::parameter("kubelet-says") {
        return Err(anyhow!(words));
    }
    manager_state(settings)?;
    if faults::switched("swap-on") && settings.config["failSwapOn"] != false && !version::at_least(34) {
        return Err(anyhow!(
            "running with swap on is not supported, please disable swap! or set --fail-swap-on flag to false. /proc/swaps contained: [Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority /dev/sda2                               partition\t1000444\t\t0\t\t-2]"
        ));
    }
    let unified = std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    if version::at_least(35) && (!unified || faults::switched("cgroup-v1")) && settings.config["failCgroupV1"] != false
    {
        return Err(anyhow!(
            "kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is unsupported and will be removed in a future release"
        ));
    }
    Ok(())
}

/// The CPU manager's state must be of the policy that is configured (pkg/kubelet/cm/cpumanager/state/state_checkpoint.go).
fn manager_state(settings: &Settings) -> Result<()> {
    const STATE: &str = "/var/lib/kubelet/cpu_manager_state";
    let state = place::read(STATE).and_then(|text| serde_json::from_str::<Value>(&text).ok()).unwrap_or_default();
    let wanted = settings.config["cpuManagerPolicy"].as_str().unwrap_or("none");
    match state["policyName"].as_str() {
        Some(found) if found != wanted => Err(anyhow!(
            "start cpu manager error: could not restore state from checkpoint: configured policy {wanted:?} differs from state checkpoint policy {found:?}, please drain this node and delete the CPU manager checkpoint file {STATE:?} before restarting Kubelet"
        )),
        _ => Ok(()),
    }
}

fn connect(settings: &Settings) -> Result<Cri> {
    let wrap = |error: anyhow::Error| match version::at_least(26) {
        true => anyhow!(
            "validate service connection: validate CRI v1 runtime API for endpoint {:?}: {error:#}",
            settings.socket
        ),
        false => anyhow!("unable to determine runtime API version: {error:#}"),
    };
    let cri = Cri::connect(&settings.socket).map_err(wrap)?;
    let found = cri.version().map_err(wrap)?;
    klog::info(
        "kuberuntime_manager.go:245",
        &format!(
            "\"Container runtime initialized\" containerRuntime={:?} version={:?} apiVersion={:?}",
            found.runtime_name, found.runtime_version, found.runtime_api_version
        ),
    );
    Ok(cri)
}

/// The URL of the API server in the kubelet's kubeconfig, for stand-in pods that must not wait for a service address.
fn server_of(settings: &Settings) -> String {
    place::read(&settings.kubeconfig)
        .and_then(|content| crate::yaml::parse(&content).ok())
        .and_then(|config| kubeconfig::cluster(&config).ok())
        .map(|(server, _)| server)
        .unwrap_or_default()
}

fn main_loop(settings: &Settings) -> ! {
    let mut memory = pods::Memory::default();
    let mut listed: Vec<Value> = Vec::new();
    let mut client: Option<Api> = None;
    loop {
        if client.is_none() && !settings.standalone() {
            // Not there before the certificate is.
            client = kubeconfig::load(&settings.kubeconfig).ok();
        }
        let api = client.as_ref();
        if let Some(api) = api
            && let Ok(list) = api.get(&format!("/api/v1/pods?fieldSelector=spec.nodeName%3D{}", settings.node))
        {
            listed = items(&list, "/items").to_vec();
            memory.informed = true;
        }
        let mut statics = manifests::read(settings);
        if let Some(api) = api.filter(|_| memory.informed) {
            manifests::mirror(api, &mut statics, &listed);
        }
        let wanted: Vec<Value> = statics
            .into_iter()
            .chain(listed.iter().filter(|pod| !manifests::is_mirror(pod)).cloned().map(manifests::with_account))
            .collect();
        let connected = Cri::connect(&settings.socket);
        let trouble = node::trouble(&connected);
        if let Ok(cri) = connected {
            let network = trouble.as_deref().filter(|text| text.starts_with("container runtime network not ready"));
            if let Err(error) = pods::sync(settings, &cri, api, &wanted, network, &mut memory) {
                klog::error("kubelet.go:1991", &format!("\"Skipping pod synchronization\" err=\"{error:#}\""));
            }
        }
        clock::pause(Duration::from_millis(700));
    }
}
