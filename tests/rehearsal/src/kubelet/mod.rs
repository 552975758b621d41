//! The kubelet, as systemd runs it: bootstrap, registration, status, lease, pods through CRI.

mod bootstrap;
mod chains;
mod flags;
mod manifests;
mod node;
mod pods;
mod server;
mod spec;
mod volumes;

use crate::cri::Cri;
use crate::net::api::Api;
use crate::yaml::{items, text};
use crate::{banner, clock, faults, image, klog, kubeconfig, place, version};
use anyhow::{Result, anyhow};
use flags::Settings;
use serde_json::Value;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

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
    klog::info("server.go:440", &format!("\"Kubelet version\" kubeletVersion=\"{}\"", version::claimed()));
    early_faults(settings)?;
    let api = if settings.standalone() {
        let text = if version::at_least(23) {
            "Kubelet is running in standalone mode, will skip API server sync"
        } else {
            "Standalone mode, no API client"
        };
        klog::info("server.go:562", &format!("{text:?}"));
        None
    } else {
        klog::info("server.go:868", "\"Client rotation is on, will bootstrap in background\"");
        Some(bootstrap::client(&settings.kubeconfig, &settings.bootstrap, &settings.node)?)
    };
    let cri = connect(settings)?;
    server::secure(&settings.node)?;
    server::health(settings.config["healthzPort"].as_u64().unwrap_or(10248) as u16)?;
    klog::info("server.go:1213", "\"Started kubelet\"");
    for image_fs in cri.image_fs()?.image_filesystems.into_iter().filter_map(|fs| fs.fs_id) {
        klog::error(
            "cri_stats_provider.go:372",
            &format!(
                "\"Failed to get the info of the filesystem with mountpoint\" err=\"unable to find data in memory cache\" mountpoint={:?}",
                image_fs.mountpoint
            ),
        );
    }
    let times = if faults::switched("imagefs-zero") {
        "failed multiple times in a row"
    } else {
        "failed once. Stats initialization may not have completed yet"
    };
    klog::error(
        "kubelet.go:1343",
        &format!("\"Image garbage collection {times}\" err=\"invalid capacity 0 on image filesystem\""),
    );
    volumes::share_root()?;
    volumes::skeleton()?;
    place::dir("/var/log/pods", 0o755)?;
    chains::install();
    import_pause(&cri);
    if api.is_some() {
        klog::info("kubelet.go:418", "\"Attempting to sync node with API server\"");
        let shared = settings.clone();
        std::thread::spawn(move || heartbeat(&shared));
    } else {
        klog::info("kubelet.go:420", "\"No API server defined - no node status update will be sent\"");
    }
    main_loop(settings, api.as_ref())
}

/// Faults that end the kubelet, or keep it from anything, before it has done anything.
fn early_faults(settings: &Settings) -> Result<()> {
    if faults::on("kubelet-crash") {
        return Err(anyhow!("inotify_init: too many open files"));
    }
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

/// The sandbox image must be there before the first sandbox: no registry is ever asked.
fn import_pause(cri: &Cri) {
    let mut wanted = vec![version::pause_image()];
    let configured = cri
        .status(true)
        .ok()
        .and_then(|status| status.info.get("config").cloned())
        .and_then(|config| serde_json::from_str::<Value>(&config).ok());
    for path in ["/sandboxImage", "/imageConfig/pinnedImages/sandbox", "/pinnedImages/sandbox"] {
        if let Some(image) =
            configured.as_ref().map(|config| text(config, path).to_owned()).filter(|image| !image.is_empty())
        {
            wanted.push(image);
        }
    }
    let known: Vec<String> = cri.images().unwrap_or_default().into_iter().flat_map(|image| image.repo_tags).collect();
    if wanted.iter().all(|image| known.contains(image)) {
        return;
    }
    let mut names = image::usual();
    names.extend(wanted);
    names.retain(|name| !known.contains(name));
    if let Err(error) = image::import(&names) {
        klog::error("rehearsal.go:2", &format!("\"Importing the pause image failed\" err=\"{error:#}\""));
    }
}

/// Registration, then node status and lease, on connections of their own so that slow pods do not hold them up.
fn heartbeat(settings: &Settings) {
    let api = loop {
        match kubeconfig::load(&settings.kubeconfig) {
            Ok(api) => break api,
            Err(_) => clock::pause(Duration::from_millis(500)),
        }
    };
    if faults::switched("crisocket-timeout") {
        klog::error(
            "kubelet.go:2412",
            &format!("\"Error getting node\" err=\"node \\\"{0}\\\" not found\" node=\"{0}\"", settings.node),
        );
        return;
    }
    node::register(settings, &api, &Cri::connect(&settings.socket));
    let mut cidr = String::new();
    let (mut told, mut renewed, mut ready) = (None::<Instant>, None::<Instant>, None::<bool>);
    let mut warned = None::<Instant>;
    loop {
        let cri = Cri::connect(&settings.socket);
        let trouble = node::trouble(&cri);
        if let Some(text) = trouble.as_deref().filter(|_| warned.is_none_or(|at| at.elapsed() > Duration::from_secs(5)))
        {
            let network = text.strip_prefix("container runtime network not ready: ");
            match network {
                Some(network) => klog::error(
                    "kubelet.go:2337",
                    &format!("\"Container runtime network not ready\" networkReady={network:?}"),
                ),
                None => klog::error("kubelet.go:1991", &format!("\"Skipping pod synchronization\" err={text:?}")),
            }
            warned = Some(Instant::now());
        }
        if ready != Some(trouble.is_none())
            || told.is_none_or(|at| at.elapsed() > settings.status_every())
            || cidr.is_empty()
        {
            match node::report(settings, &api, &cri) {
                Ok(new) => {
                    if new != cidr {
                        klog::info(
                            "kubelet_network.go:76",
                            &format!("\"Updating Pod CIDR\" originalPodCIDR={cidr:?} newPodCIDR={new:?}"),
                        );
                        if let Ok(cri) = &cri {
                            // A runtime that makes no CNI conf of its own ignores it.
                            let _ = cri.update_pod_cidr(&new);
                        }
                        cidr = new;
                    }
                    ready = Some(trouble.is_none());
                }
                Err(error) => klog::error(
                    "kubelet_node_status.go:460",
                    &format!("\"Error updating node status, will retry\" err={:?}", error.to_string()),
                ),
            }
            told = Some(Instant::now());
        }
        if renewed.is_none_or(|at| at.elapsed() > Duration::from_secs(10)) && !faults::switched("lease-stops") {
            if let Err(error) = node::renew(settings, &api) {
                klog::error(
                    "controller.go:144",
                    &format!("failed to ensure lease exists, will retry in 7s, error: {error}"),
                );
            }
            renewed = Some(Instant::now());
        }
        clock::pause(Duration::from_secs(1));
    }
}

fn main_loop(settings: &Settings, api: Option<&Api>) -> Result<()> {
    klog::info("kubelet.go:1967", "\"Starting kubelet main sync loop\"");
    let mut memory = pods::Memory::default();
    let mut listed: Vec<Value> = Vec::new();
    loop {
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
            let network = trouble.as_deref().and_then(|text| {
                text.strip_prefix("container runtime network not ready: ")
                    .map(|rest| format!("container runtime network not ready: {rest}"))
            });
            if let Err(error) = pods::sync(settings, &cri, api, &wanted, network.as_deref(), &mut memory) {
                klog::error("kubelet.go:1991", &format!("\"Skipping pod synchronization\" err=\"{error:#}\""));
            }
        }
        clock::pause(Duration::from_millis(700));
    }
}
