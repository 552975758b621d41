//! `kubeadm init`: the phases in upstream's order, with upstream's words.

use super::fail::Fail;
use super::initconfig::Init;
use super::{certs, cluster, health, machine, manifests, preflight, token};
use crate::yaml::{items, text};
use crate::{banner, clock, kubeconfig, place, version};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn preflight(init: &Init) -> Result<(), Fail> {
    println!("[preflight] Running pre-flight checks");
    let mut checks = preflight::Checks::new(&init.node.ignore);
    checks.root()?;
    for port in [init.port, 10259, 10257] {
        checks.port_free(port);
    }
    for name in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        checks.file_absent(&format!("/etc/kubernetes/manifests/{name}.yaml"));
    }
    checks.common(&init.node.cri_socket, &init.node.name);
    for port in [2379, 2380] {
        checks.port_free(port);
    }
    checks.dir_empty("/var/lib/etcd");
    checks.finish()?;
    println!("[preflight] Pulling images required for setting up a Kubernetes cluster");
    println!("[preflight] This might take a minute or two, depending on the speed of your internet connection");
    println!(
        "[preflight] You can also perform this action {}beforehand using 'kubeadm config images pull'",
        if version::at_least(28) { "" } else { "in " }
    );
    Ok(())
}

/// The phases, in upstream's order. upload-certs, and marking the node, are part of what comes with them.
const PHASES: &[&str] = &[
    "preflight",
    "certs",
    "kubeconfig",
    "kubelet-start",
    "control-plane",
    "etcd",
    "wait-control-plane",
    "upload-config",
    "mark-control-plane",
    "bootstrap-token",
    "kubelet-finalize",
    "addon",
];

/// Runs the whole init, or `init phase NAME`.
pub fn run(args: &[String], only: Option<&str>) -> Result<(), Fail> {
    let init = Init::read(args)?;
    if let Some(phase) = only {
        let known = PHASES.iter().find(|name| **name == phase);
        let known =
            known.ok_or_else(|| Fail::plain(format!("unknown command {phase:?} for \"kubeadm init phase\"")))?;
        return step(&init, known);
    }
    banner::leave_note();
    println!("[init] Using Kubernetes version: {}", text(&init.cluster, "/kubernetesVersion"));
    for phase in PHASES.iter().filter(|phase| !init.skip.iter().any(|name| name == *phase)) {
        step(&init, phase)?;
    }
    closing(&init)
}

fn step(init: &Init, phase: &'static str) -> Result<(), Fail> {
    let done = match phase {
        "preflight" => preflight(init),
        "certs" => certificates(init),
        "kubeconfig" => certs::kubeconfigs(&init.node.name, &format!("https://{}", init.endpoint())),
        "kubelet-start" => start_kubelet(init),
        "control-plane" => manifests::control_plane(&plane(init)),
        "etcd" => place::dir("/var/lib/etcd", 0o700).map_err(Fail::from).and_then(|()| manifests::etcd(&plane(init))),
        "wait-control-plane" => wait(),
        "upload-config" => cluster::upload(init),
        "mark-control-plane" => cluster::mark(init),
        "bootstrap-token" => cluster::tokens(init),
        "kubelet-finalize" => finalize(&init.node.name),
        _ => cluster::addons(init),
    };
    done.map_err(|fail| fail.during(phase))
}

fn certificates(init: &Init) -> Result<(), Fail> {
    let subnet = text(&init.cluster, "/networking/serviceSubnet");
    let service = crate::apiserver::services::address(subnet, 1).map(|ip| ip.to_string()).unwrap_or_default();
    let mut extra: Vec<String> =
        items(&init.cluster, "/apiServer/certSANs").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    extra.push(init.endpoint().rsplit_once(':').map(|(host, _)| host.to_owned()).unwrap_or_default());
    extra.retain(|name| *name != init.address && *name != init.node.name && !name.is_empty());
    certs::generate(&certs::Names {
        node: init.node.name.clone(),
        address: init.address.clone(),
        service,
        domain: text(&init.cluster, "/networking/dnsDomain").into(),
        extra,
    })
}

fn start_kubelet(init: &Init) -> Result<(), Fail> {
    // kubeadm stops the kubelet before it writes the files.
    machine::stop_kubelet();
    machine::write_flags(&init.node, &[])?;
    machine::write_config(&machine::with_instance(&init.kubelet, &init.node.cri_socket)?)?;
    machine::start_kubelet();
    Ok(())
}

fn plane(init: &Init) -> manifests::Plane {
    manifests::Plane {
        address: init.address.clone(),
        port: init.port,
        services: text(&init.cluster, "/networking/serviceSubnet").into(),
        pods: text(&init.cluster, "/networking/podSubnet").into(),
        node: init.node.name.clone(),
        registry: text(&init.cluster, "/imageRepository").into(),
    }
}

/// Waits up to four minutes for the API server that the kubelet starts from the manifests.
fn wait() -> Result<(), Fail> {
    if version::at_least(29) {
        println!(
            "[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory \"/etc/kubernetes/manifests\""
        );
        health::wait_health_new(Duration::from_secs(240))?;
        println!("[api-check] Waiting for a healthy API server. This can take up to 4m0s");
    } else {
        println!(
            "[wait-control-plane] Waiting for the kubelet to boot up the control plane as static Pods from directory \"/etc/kubernetes/manifests\". This can take up to 4m0s"
        );
    }
    let api = kubeconfig::load("/etc/kubernetes/admin.conf")?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(240) {
        if api.get("/healthz?timeout=10s").is_ok() {
            let took = start.elapsed().as_secs_f64();
            if version::at_least(29) {
                println!("[api-check] The API server is healthy after {took:.9}s");
            } else {
                println!("[apiclient] All control plane components are healthy after {took:.6} seconds");
            }
            return Ok(());
        }
        clock::pause(Duration::from_millis(250));
    }
    health::failed_old("timed out waiting for the condition");
    Err(Fail::plain("couldn't initialize a Kubernetes cluster".into()))
}

/// kubelet.conf then names the rotated certificate instead of carrying one.
fn finalize(node: &str) -> Result<(), Fail> {
    const PEM: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
    println!(
        "[kubelet-finalize] Updating \"/etc/kubernetes/kubelet.conf\" to point to a rotatable kubelet client certificate and key"
    );
    let path = "/etc/kubernetes/kubelet.conf";
    let mut config = crate::yaml::parse(&place::read(path).unwrap_or_default())?;
    let embedded = |field: &str| crate::pki::unbase64(text(&config, &format!("/users/0/user/{field}")));
    if !std::path::Path::new(PEM).exists() {
        let both = [embedded("client-certificate-data")?, embedded("client-key-data")?].concat();
        place::write(PEM, both, 0o600)?;
    }
    config["users"] =
        json!([{"name": format!("system:node:{node}"), "user": {"client-certificate": PEM, "client-key": PEM}}]);
    Ok(place::replace(path, crate::yaml::write(&config), 0o600)?)
}

fn closing(init: &Init) -> Result<(), Fail> {
    let token = init.tokens.first().map(token::Token::text).unwrap_or_default();
    let pin = crate::pki::pins(&certs::ca()?.cert)?.join(" ");
    println!(
        "
Your Kubernetes control-plane has initialized successfully!

To start using your cluster, you need to run the following as a regular user:

  mkdir -p $HOME/.kube
  sudo cp -i /etc/kubernetes/admin.conf $HOME/.kube/config
  sudo chown $(id -u):$(id -g) $HOME/.kube/config

Alternatively, if you are the root user, you can run:

  export KUBECONFIG=/etc/kubernetes/admin.conf

You should now deploy a pod network to the cluster.
Run \"kubectl apply -f [podnetwork].yaml\" with one of the options listed at:
  https://kubernetes.io/docs/concepts/cluster-administration/addons/

Then you can join any number of worker nodes by running the following on each as root:

kubeadm join {} --token {token} \\
	--discovery-token-ca-cert-hash {pin} ",
        init.endpoint()
    );
    Ok(())
}
