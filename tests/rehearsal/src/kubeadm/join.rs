//! `kubeadm join` of a worker: preflight, discovery, kubelet-start, TLS bootstrap, CRI socket annotation.

use super::discovery::{self, Found};
use super::fail::Fail;
use super::joinconfig::{self, Join};
use super::{health, machine, preflight};
use crate::kubeconfig::{self, Credential};
use crate::net::api::Api;
use crate::yaml::{items, parse, text};
use crate::{banner, clock, faults, place, version, yaml};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

const BOOTSTRAP: &str = "/etc/kubernetes/bootstrap-kubelet.conf";
const KUBELET: &str = "/etc/kubernetes/kubelet.conf";

/// Runs the whole join.
pub fn run(args: &[String]) -> Result<(), Fail> {
    let join = joinconfig::read(args)?;
    banner::leave_note();
    let skipped = |phase: &str| join.skip.iter().any(|name| name == phase);
    let (found, cluster) = preflight(&join, skipped("preflight")).map_err(|fail| fail.during("preflight"))?;
    if let Some(seconds) = faults::parameter("join-hangs") {
        clock::pause(Duration::from_secs(seconds.parse().unwrap_or(u64::from(u32::MAX))));
    }
    if !skipped("kubelet-start") {
        kubelet_start(&join, &found, &cluster)?;
    }
    if faults::on("config-removed") {
        let _ = std::fs::remove_file("/var/lib/kubelet/config.yaml");
    }
    println!(
        "
This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details.

Run 'kubectl get nodes' on the control-plane to see this node join the cluster.
"
    );
    Ok(())
}

/// The checks, then the cluster's configuration: (cluster, ClusterConfiguration and kubelet config).
fn preflight(join: &Join, skip: bool) -> Result<(Found, (Value, Value)), Fail> {
    println!("[preflight] Running pre-flight checks");
    if !skip {
        let mut checks = preflight::Checks::new(&join.node.ignore);
        checks.root()?;
        if !version::at_least(30) {
            checks.dir_empty("/etc/kubernetes/manifests");
        }
        checks.file_absent(KUBELET);
        checks.file_absent(BOOTSTRAP);
        checks.common(&join.node.cri_socket, &join.node.name);
        checks.file_absent(&join.ca_path);
        checks.finish()?;
    }
    let found = discovery::discover(join)?;
    if version::at_least(32) {
        println!(
            "[preflight] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"..."
        );
        println!(
            "[preflight] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it."
        );
    } else {
        println!("[preflight] Reading configuration from the cluster...");
        println!(
            "[preflight] FYI: You can look at this config file with 'kubectl -n kube-system get cm kubeadm-config -o yaml'"
        );
    }
    let api = bootstrap_client(join, &found)?;
    let fetch = |name: &str| api.get(&format!("/api/v1/namespaces/kube-system/configmaps/{name}?timeout=10s"));
    let wrap = |fail: Fail| fail.wrap("failed to get config map").wrap("unable to fetch the kubeadm-config ConfigMap");
    let cluster = fetch("kubeadm-config").map_err(|error| wrap(Fail::from(error)))?;
    let kubelet = fetch(&machine::config_map()).map_err(|error| {
        Fail::from(error).wrap("failed to get component configs").wrap("unable to fetch the kubeadm-config ConfigMap")
    })?;
    Ok((found, (parse(text(&cluster, "/data/ClusterConfiguration"))?, parse(text(&kubelet, "/data/kubelet"))?)))
}

fn bootstrap_config(join: &Join, found: &Found) -> Value {
    let token = if join.tls_token.is_empty() { &join.token } else { &join.tls_token };
    kubeconfig::make(&found.server, &found.ca, "kubernetes", "tls-bootstrap-token-user", &Credential::Token(token))
}

fn bootstrap_client(join: &Join, found: &Found) -> Result<Api, Fail> {
    Ok(kubeconfig::client(&bootstrap_config(join, found))?)
}

/// Removes the bootstrap kubeconfig however kubelet-start ends, as kubeadm's `defer` does.
struct Bootstrap;

impl Drop for Bootstrap {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(BOOTSTRAP);
    }
}

fn kubelet_start(join: &Join, found: &Found, (_, kubelet): &(Value, Value)) -> Result<(), Fail> {
    let started = start(join, found, kubelet);
    let _bootstrap = Bootstrap;
    let api = started.map_err(|fail| fail.during("kubelet-start"))?;
    let phase = if version::at_least(33) { "kubelet-wait-bootstrap" } else { "kubelet-start" };
    wait(join).map_err(|fail| fail.during(phase))?;
    let own = kubeconfig::load(KUBELET).map_err(Fail::from).map_err(|fail| fail.during(phase))?;
    drop(api);
    if machine::instance_config() {
        return Ok(());
    }
    annotate(&own, &join.node.name, &join.node.cri_socket).map_err(|fail| {
        let context =
            if version::at_least(31) { "error writing CRISocket for this node" } else { "error uploading crisocket" };
        fail.wrap(context).during(phase)
    })
}

fn start(join: &Join, found: &Found, kubelet: &Value) -> Result<Api, Fail> {
    place::write(BOOTSTRAP, yaml::write(&bootstrap_config(join, found)), 0o600)?;
    if !Path::new(&join.ca_path).exists() {
        place::write(&join.ca_path, &found.ca, 0o644)?;
    }
    let api = kubeconfig::load(BOOTSTRAP)?;
    match api.get(&format!("/api/v1/nodes/{}?timeout=10s", join.node.name)) {
        Ok(node) => {
            let ready = items(&node, "/status/conditions")
                .iter()
                .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
            if ready {
                return Err(exists(&join.node.name));
            }
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(Fail::from(error).wrap(&format!("cannot get Node {:?}", join.node.name))),
    }
    if faults::on("node-exists") {
        return Err(exists(&join.node.name));
    }
    machine::stop_kubelet();
    machine::write_config(&machine::with_instance(kubelet, &join.node.cri_socket)?)?;
    machine::write_flags(&join.node, join.node.taints.as_deref().unwrap_or(&[]))?;
    machine::start_kubelet();
    Ok(api)
}

fn exists(name: &str) -> Fail {
    Fail::plain(format!(
        "a Node with name {name:?} and status \"Ready\" already exists in the cluster. You must delete the existing Node or change the name of this new joining Node"
    ))
}

/// Waits until kubelet.conf and the certificate it names are there.
fn wait(join: &Join) -> Result<(), Fail> {
    let bootstrap = join.bootstrap;
    let poll = move || {
        println!(
            "[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap{}",
            if version::at_least(31) { "" } else { "..." }
        );
        let start = Instant::now();
        while start.elapsed() < clock::limit(bootstrap) {
            if kubeconfig::load(KUBELET).is_ok() {
                return Ok(());
            }
            clock::pause(Duration::from_millis(500));
        }
        Err(Fail::plain(if version::at_least(28) {
            "context deadline exceeded".into()
        } else {
            "timed out waiting for the condition".to_owned()
        }))
    };
    if version::at_least(31) {
        health::wait_health_new(join.health)?;
        return poll().map_err(|fail| health::failed_new(fail, "failed while waiting for TLS bootstrap"));
    }
    let (tell, told) = mpsc::channel();
    let health = tell.clone();
    // The health watcher outlives the bootstrap, as kubeadm's goroutine does: it goes on printing until the process ends.
    std::thread::spawn(move || {
        if let Err(fail) = health::watch_health_old(&|| false) {
            let _ = health.send(Err(fail));
        }
    });
    std::thread::spawn(move || tell.send(poll()));
    let outcome = told.recv().unwrap_or_else(|_| Err(Fail::plain("timed out waiting for the condition".into())));
    outcome.inspect_err(|fail| health::failed_old(fail.text()))
}

/// Notes the CRI socket on the Node, waiting up to two minutes for the Node to appear.
pub fn annotate(api: &Api, name: &str, socket: &str) -> Result<(), Fail> {
    let patch = json!({"metadata": {"annotations": {"kubeadm.alpha.kubernetes.io/cri-socket": socket}}});
    let start = Instant::now();
    let timeout =
        Duration::from_secs(faults::parameter("crisocket-wait").and_then(|text| text.parse().ok()).unwrap_or(120));
    let mut last;
    loop {
        match api.patch(&format!("/api/v1/nodes/{name}?timeout=10s"), &patch) {
            Ok(_) => return Ok(()),
            Err(error) => last = error.to_string(),
        }
        if start.elapsed() > clock::limit(timeout) {
            break;
        }
        clock::pause(Duration::from_millis(500));
    }
    Err(Fail::plain(if version::at_least(31) { last } else { "timed out waiting for the condition".into() }))
}
