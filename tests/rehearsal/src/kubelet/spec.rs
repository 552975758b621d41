//! CRI configurations from pod objects: sandbox and containers, with our image's programs in place of commands it lacks.

use super::flags::Settings;
use super::volumes::Paths;
use crate::image::PROGRAMS;
use crate::yaml::{items, text};
use crate::{faults, version};
use cri_api::v1::{
    Capability, ContainerConfig, ContainerMetadata, DnsConfig, ImageSpec, KeyValue, LinuxContainerConfig,
    LinuxContainerSecurityContext, LinuxPodSandboxConfig, LinuxSandboxSecurityContext, Mount, NamespaceMode,
    NamespaceOption, PodSandboxConfig, PodSandboxMetadata, PortMapping,
};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

fn namespaces(pod: &Value) -> NamespaceOption {
    let node = |field: &str| pod["spec"][field] == true;
    let mode = |on_node: bool, own: NamespaceMode| if on_node { NamespaceMode::Node as i32 } else { own as i32 };
    NamespaceOption {
        network: mode(node("hostNetwork"), NamespaceMode::Pod),
        pid: mode(node("hostPID"), NamespaceMode::Container),
        ipc: mode(node("hostIPC"), NamespaceMode::Pod),
        ..Default::default()
    }
}

fn privileged(pod: &Value) -> bool {
    items(pod, "/spec/containers").iter().any(|container| container["securityContext"]["privileged"] == true)
}

/// Labels by which kubelets find their sandboxes and containers again.
fn labels(pod: &Value, uid: &str, container: Option<&str>) -> HashMap<String, String> {
    let mut labels = HashMap::from([
        ("io.kubernetes.pod.name".to_owned(), text(pod, "/metadata/name").to_owned()),
        ("io.kubernetes.pod.namespace".to_owned(), text(pod, "/metadata/namespace").to_owned()),
        ("io.kubernetes.pod.uid".to_owned(), uid.to_owned()),
    ]);
    match container {
        Some(name) => drop(labels.insert("io.kubernetes.container.name".to_owned(), name.to_owned())),
        None => {
            for (name, value) in pod["metadata"]["labels"].as_object().into_iter().flatten() {
                labels.insert(name.clone(), value.as_str().unwrap_or_default().to_owned());
            }
        }
    }
    labels
}

/// Where containers' logs go.
fn logs(pod: &Value, uid: &str) -> String {
    format!("/var/log/pods/{}_{}_{uid}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"))
}

/// The sandbox of a pod.
pub fn sandbox(settings: &Settings, pod: &Value, uid: &str, attempt: u32) -> PodSandboxConfig {
    let host = pod["spec"]["hostNetwork"] == true;
    let cgroup = match settings.systemd_cgroups() {
        true => format!("kubepods-besteffort-pod{}.slice", uid.replace('-', "_")),
        false => format!("/kubepods/besteffort/pod{uid}"),
    };
    let dns = match text(pod, "/spec/dnsPolicy") {
        "Default" => None,
        "" | "ClusterFirst" if host => None,
        _ => Some(DnsConfig {
            servers: settings.dns(),
            searches: ["svc.cluster.local", "cluster.local"].into_iter().map(str::to_owned).collect(),
            options: vec!["ndots:5".into()],
        }),
    };
    let ports = items(pod, "/spec/containers")
        .iter()
        .flat_map(|container| items(container, "/ports"))
        .filter(|port| port["hostPort"].is_u64() && !host);
    PodSandboxConfig {
        metadata: Some(PodSandboxMetadata {
            name: text(pod, "/metadata/name").into(),
            uid: uid.into(),
            namespace: text(pod, "/metadata/namespace").into(),
            attempt,
        }),
        hostname: if host { String::new() } else { text(pod, "/metadata/name").chars().take(63).collect() },
        log_directory: logs(pod, uid),
        dns_config: dns,
        port_mappings: ports
            .map(|port| PortMapping {
                protocol: i32::from(port["protocol"] == "UDP"),
                container_port: number(&port["containerPort"]),
                host_port: number(&port["hostPort"]),
                host_ip: String::new(),
            })
            .collect(),
        labels: labels(pod, uid, None),
        annotations: HashMap::from([(
            "kubernetes.io/config.source".to_owned(),
            if text(pod, "/metadata/annotations/kubernetes.io~1config.source") == "file" { "file" } else { "api" }
                .to_owned(),
        )]),
        linux: Some(LinuxPodSandboxConfig {
            cgroup_parent: cgroup,
            security_context: Some(LinuxSandboxSecurityContext {
                namespace_options: Some(namespaces(pod)),
                privileged: privileged(pod),
            }),
        }),
    }
}

fn number(value: &Value) -> i32 {
    value.as_i64().unwrap_or(0) as i32
}

fn value_from(pod: &Value, settings: &Settings, env: &Value) -> String {
    match text(env, "/valueFrom/fieldRef/fieldPath") {
        "spec.nodeName" => settings.node.clone(),
        "status.hostIP" => super::node::address(settings),
        path => text(pod, &format!("/{}", path.replace('.', "/"))).to_owned(),
    }
}

/// The stand-in program for a container of our image, with its arguments.
fn stand_in(pod: &Value, container: &Value) -> (Vec<String>, Vec<String>) {
    let words =
        |field: &str| items(container, field).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let (command, args) = (words("/command"), words("/args"));
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let image = base(text(container, "/image").split('@').next().unwrap_or_default());
    let asked = command
        .first()
        .map(|word| base(word))
        .unwrap_or_else(|| image.split(':').next().unwrap_or_default().to_owned());
    match PROGRAMS.iter().find(|(name, _)| *name == asked) {
        Some((_, path)) => {
            let rest = if command.is_empty() { args } else { command.into_iter().skip(1).chain(args).collect() };
            (vec![format!("/{path}")], rest)
        }
        None if asked == "pause" || pod.is_null() => (vec!["/pause".into()], Vec::new()),
        None => (vec!["/pause".into(), "serve".into()], Vec::new()),
    }
}

/// A container of a pod. `ours` tells whether its image is the stand-in.
pub fn container(
    settings: &Settings,
    pod: &Value,
    uid: &str,
    container: &Value,
    paths: &Paths,
    attempt: u32,
    ours: bool,
) -> ContainerConfig {
    let name = text(container, "/name");
    let mut envs: Vec<KeyValue> = Vec::new();
    let mut put = |key: &str, value: String| envs.push(KeyValue { key: key.into(), value });
    for env in items(container, "/env") {
        let value = env["value"].as_str().map_or_else(|| value_from(pod, settings, env), str::to_owned);
        put(text(env, "/name"), value);
    }
    put("KUBERNETES_SERVICE_HOST", "10.96.0.1".into());
    put("KUBERNETES_SERVICE_PORT", "443".into());
    let (command, args) = if ours {
        put("REHEARSAL_VERSION", version::claimed().to_string());
        put("REHEARSAL_NODE", settings.node.clone());
        let ports: Vec<String> =
            items(container, "/ports").iter().map(|port| port["containerPort"].to_string()).collect();
        put("REHEARSAL_PORTS", ports.join(","));
        put("REHEARSAL_API", super::server_of(settings));
        stand_in(pod, container)
    } else {
        let words = |field: &str| items(container, field).iter().filter_map(Value::as_str).map(str::to_owned).collect();
        (words("/command"), words("/args"))
    };
    let expand = |list: Vec<String>| {
        list.into_iter()
            .map(|word| envs.iter().fold(word, |word, env| word.replace(&format!("$({})", env.key), &env.value)))
            .collect()
    };
    let mut mounts: Vec<Mount> = items(container, "/volumeMounts")
        .iter()
        .filter_map(|mount| {
            let base = paths.get(text(mount, "/name"))?;
            let sub = text(mount, "/subPath");
            let host = if sub.is_empty() { base.clone() } else { base.join(sub) };
            Some(bind(
                text(mount, "/mountPath"),
                &host,
                mount["readOnly"] == true,
                text(mount, "/mountPropagation") == "Bidirectional",
            ))
        })
        .collect();
    mounts.push(bind("/etc/hosts", &super::volumes::dir(uid).join("etc-hosts"), false, false));
    if ours {
        extra_mounts(&command, &mut mounts);
    }
    let security = &container["securityContext"];
    let list = |field: &str| items(security, field).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    ContainerConfig {
        metadata: Some(ContainerMetadata { name: name.into(), attempt }),
        image: Some(ImageSpec { image: text(container, "/image").into(), ..Default::default() }),
        command: expand(command),
        args: expand(args),
        working_dir: text(container, "/workingDir").into(),
        mounts,
        labels: labels(pod, uid, Some(name)),
        annotations: HashMap::from([("io.kubernetes.container.restartCount".to_owned(), attempt.to_string())]),
        log_path: format!("{name}/{attempt}.log"),
        linux: Some(LinuxContainerConfig {
            security_context: Some(LinuxContainerSecurityContext {
                privileged: security["privileged"] == true,
                capabilities: Some(Capability {
                    add_capabilities: list("/capabilities/add"),
                    drop_capabilities: list("/capabilities/drop"),
                }),
                namespace_options: Some(namespaces(pod)),
            }),
        }),
        envs,
    }
}

fn bind(inside: &str, host: &Path, readonly: bool, shared: bool) -> Mount {
    Mount {
        container_path: inside.into(),
        host_path: host.to_string_lossy().into_owned(),
        readonly,
        propagation: if shared { 2 } else { 0 },
        ..Default::default()
    }
}

/// The stand-in daemons read the fault table, and those that set up networking run the host's programs.
fn extra_mounts(command: &[String], mounts: &mut Vec<Mount>) {
    if Path::new(faults::DIR).is_dir() {
        mounts.push(bind(faults::DIR, Path::new(faults::DIR), false, false));
    }
    let networking = command.first().is_some_and(|path| path.ends_with("flanneld") || path.ends_with("kube-proxy"));
    if networking {
        mounts.push(bind("/host/usr", Path::new("/usr"), true, false));
        mounts.push(bind("/host/etc/alternatives", Path::new("/etc/alternatives"), true, false));
        mounts.push(bind("/host/run", Path::new("/run/lock"), false, false));
    }
}
