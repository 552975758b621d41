//! Brings the runtime in line with the pods of this node: sandboxes, containers, volumes, statuses.

use super::flags::Settings;
use super::images::ensure as ensure_image;
use super::{podstatus, spec, volumes};
use crate::cri::Cri;
use crate::klog;
use crate::net::api::Api;
use crate::yaml::{items, text};
use anyhow::{Result, anyhow, bail};
use cri_api::v1::{Container, ContainerState, PodSandbox, PodSandboxState};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// What the kubelet remembers between rounds.
#[derive(Default)]
pub struct Memory {
    /// when a pod that failed may be tried again, and after how long it may be the next time
    backoff: HashMap<String, (Instant, Duration)>,
    /// whether the API server has told us our pods since we started
    pub informed: bool,
    /// when sandboxes of no pod were last looked for
    tidied: Option<Instant>,
}

/// How often the kubelet looks for them (kubelet.go, housekeepingPeriod).
const HOUSEKEEPING: Duration = Duration::from_secs(2);

/// The uid under which the runtime knows a pod: of a mirror pod, that of the static pod.
pub fn uid(pod: &Value) -> &str {
    match text(pod, "/metadata/annotations/kubernetes.io~1config.hash") {
        "" => text(pod, "/metadata/uid"),
        hash => hash,
    }
}

/// One round. `network` is the trouble with the pod network, if any.
pub fn sync(
    settings: &Settings,
    cri: &Cri,
    api: Option<&Api>,
    pods: &[Value],
    network: Option<&str>,
    memory: &mut Memory,
) -> Result<()> {
    let sandboxes = cri.sandboxes()?;
    let containers = cri.containers()?;
    for pod in pods {
        let uid = uid(pod).to_owned();
        let own: Vec<&PodSandbox> = sandboxes.iter().filter(|sandbox| label(&sandbox.labels, "uid") == uid).collect();
        if !pod["metadata"]["deletionTimestamp"].is_null() {
            match end(cri, &uid, &own) {
                Ok(()) => confirm(api, pod),
                Err(error) => klog::error(
                    "pod_workers.go:965",
                    &format!("\"Error syncing pod, skipping\" err=\"{error:#}\" pod=\"{}\"", full_name(pod)),
                ),
            }
            continue;
        }
        if memory.backoff.get(&uid).is_some_and(|(until, _)| Instant::now() < *until) {
            continue;
        }
        let outcome = one(settings, cri, api, pod, &uid, &own, &containers, network);
        let (state, trouble) = match outcome {
            Ok(state) => (state, None),
            Err(error) => (Value::Null, Some(format!("{error:#}"))),
        };
        if let Some(trouble) = &trouble {
            let wait = memory
                .backoff
                .get(&uid)
                .map_or(Duration::from_secs(1), |(_, wait)| (*wait * 2).min(Duration::from_secs(20)));
            memory.backoff.insert(uid.clone(), (Instant::now() + wait, wait));
            klog::error(
                "pod_workers.go:965",
                &format!("\"Error syncing pod, skipping\" err={trouble:?} pod=\"{}\" podUID={uid}", full_name(pod)),
            );
        } else {
            memory.backoff.remove(&uid);
        }
        if let Some(api) = api {
            podstatus::report(settings, api, pod, &state, trouble.as_deref());
            if let Some(trouble) = &trouble {
                podstatus::event(settings, api, pod, trouble);
            }
        }
    }
    if memory.informed || settings.standalone() {
        orphans(cri, pods, &sandboxes)?;
        if memory.tidied.is_none_or(|last| last.elapsed() >= HOUSEKEEPING) {
            memory.tidied = Some(Instant::now());
            strangers(cri, pods, &sandboxes)?;
        }
    }
    Ok(())
}

fn label<'a>(labels: &'a HashMap<String, String>, name: &str) -> &'a str {
    labels.get(&format!("io.kubernetes.pod.{name}")).map_or("", String::as_str)
}

fn container_of(container: &Container) -> &str {
    container.metadata.as_ref().map_or("", |meta| meta.name.as_str())
}

fn full_name(pod: &Value) -> String {
    format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"))
}

/// Stops and removes what the runtime still has of pods that are gone.
fn orphans(cri: &Cri, pods: &[Value], sandboxes: &[PodSandbox]) -> Result<()> {
    for sandbox in sandboxes {
        let known = label(&sandbox.labels, "uid");
        if !known.is_empty() && !pods.iter().any(|pod| uid(pod) == known) {
            end(cri, known, &[sandbox])?;
        }
    }
    for entry in std::fs::read_dir("/var/lib/kubelet/pods").into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !pods.iter().any(|pod| uid(pod) == name)
            && let Err(error) = volumes::remove(&name)
        {
            klog::error(
                "kubelet_volumes.go:245",
                &format!(
                    "\"There were many similar errors. Turn up verbosity to see them.\" err=\"orphaned pod \\\"{name}\\\" found, but error occurred when trying to remove the volumes dir: {error:#}\" numErrs=1"
                ),
            );
        }
    }
    Ok(())
}

/// Ends running sandboxes that somebody else made: the real one goes by the uid of their metadata, and asks for no label
/// (kuberuntime_sandbox.go, getKubeletSandboxes; kubelet_pods.go, HandlePodCleanups).
fn strangers(cri: &Cri, pods: &[Value], sandboxes: &[PodSandbox]) -> Result<()> {
    let ready = PodSandboxState::SandboxReady as i32;
    let unlabelled = |sandbox: &&PodSandbox| label(&sandbox.labels, "uid").is_empty() && sandbox.state == ready;
    for sandbox in sandboxes.iter().filter(unlabelled) {
        let known = sandbox.metadata.as_ref().map_or("", |meta| meta.uid.as_str());
        if !pods.iter().any(|pod| uid(pod) == known) {
            cri.stop_sandbox(&sandbox.id)?;
            cri.remove_sandbox(&sandbox.id)?;
        }
    }
    Ok(())
}

fn end(cri: &Cri, uid: &str, sandboxes: &[&PodSandbox]) -> Result<()> {
    for sandbox in sandboxes {
        cri.stop_sandbox(&sandbox.id)?;
        cri.remove_sandbox(&sandbox.id)?;
    }
    volumes::remove(uid)
}

fn confirm(api: Option<&Api>, pod: &Value) {
    if let Some(api) = api {
        // It may be gone already.
        let _ = api.delete(&format!(
            "/api/v1/namespaces/{}/pods/{}?gracePeriodSeconds=0",
            text(pod, "/metadata/namespace"),
            text(pod, "/metadata/name")
        ));
    }
}

#[allow(clippy::too_many_arguments, reason = "one pod's whole surroundings")]
fn one(
    settings: &Settings,
    cri: &Cri,
    api: Option<&Api>,
    pod: &Value,
    uid: &str,
    own: &[&PodSandbox],
    containers: &[Container],
    network: Option<&str>,
) -> Result<Value> {
    let ready = own.iter().find(|sandbox| sandbox.state == PodSandboxState::SandboxReady as i32);
    let host = pod["spec"]["hostNetwork"] == true;
    let mut attempt = own
        .iter()
        .filter_map(|sandbox| sandbox.metadata.as_ref())
        .map(|meta| meta.attempt)
        .max()
        .map_or(0, |last| last + 1);
    let (id, fresh) = match ready {
        Some(sandbox) => {
            attempt = sandbox.metadata.as_ref().map_or(0, |meta| meta.attempt);
            (sandbox.id.clone(), false)
        }
        None => {
            if let Some(trouble) = network.filter(|_| !host) {
                bail!("network is not ready: {trouble}");
            }
            for old in own {
                cri.stop_sandbox(&old.id)?;
                cri.remove_sandbox(&old.id)?;
            }
            volumes::prepare(pod, uid, api)?;
            crate::place::dir(
                format!("/var/log/pods/{}_{}_{uid}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name")),
                0o755,
            )?;
            let config = spec::sandbox(settings, pod, uid, attempt);
            let id = cri.run_sandbox(&config).map_err(|error| anyhow!("failed to \"CreatePodSandbox\" for \"{}({uid})\" with CreatePodSandboxError: \"Failed to create sandbox for pod \\\"{}({uid})\\\": {error}\"", full_name(pod).replace('/', "_"), full_name(pod).replace('/', "_")))?;
            (id, true)
        }
    };
    let config = spec::sandbox(settings, pod, uid, attempt);
    let mine: Vec<&Container> =
        containers.iter().filter(|container| container.pod_sandbox_id == id && !fresh).collect();
    let mut paths = None;
    let mut states = Vec::new();
    for (stage, list) in [("init", items(pod, "/spec/initContainers")), ("main", items(pod, "/spec/containers"))] {
        for container in list {
            let name = text(container, "/name");
            let last = mine
                .iter()
                .filter(|known| known.metadata.as_ref().is_some_and(|meta| meta.name == name))
                .max_by_key(|known| known.metadata.as_ref().map_or(0, |meta| meta.attempt));
            let status = last.map(|last| cri.container(&last.id)).transpose()?.flatten();
            let count = last.and_then(|last| last.metadata.as_ref()).map_or(0, |meta| meta.attempt);
            let exited = status.as_ref().filter(|status| status.state == ContainerState::ContainerExited as i32);
            let done = exited.is_some_and(|status| status.exit_code == 0);
            let policy = text(pod, "/spec/restartPolicy");
            let over = stage == "init" && done
                || stage == "main" && exited.is_some() && (policy == "Never" || policy == "OnFailure" && done);
            if over || status.as_ref().is_some_and(|status| status.state == ContainerState::ContainerRunning as i32) {
                if stage == "init" && !over {
                    return Ok(json!({"waiting": "PodInitializing", "sandbox": id}));
                }
                if stage == "main" {
                    states.push(json!({"name": name, "image": text(container, "/image"), "running": !over, "code": exited.map(|status| status.exit_code), "restarts": count, "id": last.map(|last| last.id.clone())}));
                }
                continue;
            }
            if let Some(status) = exited {
                let rest = (2u64 << count.min(4)) as f64
                    - (time::OffsetDateTime::now_utc().unix_timestamp() - status.finished_at / 1_000_000_000) as f64;
                if rest > 0.0 {
                    states.push(json!({"name": name, "image": text(container, "/image"), "running": false, "code": status.exit_code, "restarts": count, "waiting": "CrashLoopBackOff"}));
                    if stage == "init" {
                        return Ok(json!({"waiting": "Init:CrashLoopBackOff", "sandbox": id}));
                    }
                    continue;
                }
            }
            let ours = ensure_image(cri, text(container, "/image"))?;
            let ready_paths = match &paths {
                Some(paths) => paths,
                None => paths.insert(volumes::prepare(pod, uid, api)?),
            };
            // One dead container is kept for its log, as a kubelet does.
            for dead in
                mine.iter().filter(|known| container_of(known) == name && Some(&known.id) != last.map(|last| &last.id))
            {
                cri.remove_container(&dead.id)?;
            }
            let attempt = if last.is_some() { count + 1 } else { 0 };
            crate::place::dir(volumes::dir(uid).join("containers").join(name), 0o750)?;
            let id_new = cri.run_container(
                &id,
                &spec::container(settings, pod, uid, container, ready_paths, attempt, ours),
                &config,
            )?;
            if stage == "init" {
                return Ok(json!({"waiting": "PodInitializing", "sandbox": id}));
            }
            states.push(json!({"name": name, "image": text(container, "/image"), "running": true, "restarts": attempt, "id": id_new}));
        }
    }
    let ip = cri.sandbox(&id)?.and_then(|status| status.network).map(|network| network.ip).unwrap_or_default();
    Ok(json!({"sandbox": id, "ip": ip, "containers": states}))
}
