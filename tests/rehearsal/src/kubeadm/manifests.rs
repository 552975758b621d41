//! The static pod manifests of the control plane.

use super::fail::Fail;
use crate::{place, version, yaml};
use serde_json::{Value, json};

/// What goes into the manifests.
pub struct Plane {
    /// advertised address
    pub address: String,
    /// port of the API server
    pub port: u16,
    /// service CIDR
    pub services: String,
    /// pod CIDR, may be empty
    pub pods: String,
    /// node name
    pub node: String,
    /// image registry
    pub registry: String,
}

fn pod(
    name: &str,
    image: &str,
    command: Vec<String>,
    mounts: &[(&str, &str, bool)],
    annotation: Option<(&str, String)>,
) -> Value {
    let volumes: Vec<Value> = mounts.iter().map(|(volume, path, file)| json!({"hostPath": {"path": path, "type": if *file { "FileOrCreate" } else { "DirectoryOrCreate" }}, "name": volume})).collect();
    let paths: Vec<Value> = mounts
        .iter()
        .map(|(volume, path, _)| json!({"mountPath": path, "name": volume, "readOnly": *volume != "etcd-data"}))
        .collect();
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"creationTimestamp": null, "labels": {"component": name, "tier": "control-plane"}, "name": name, "namespace": "kube-system"},
        "spec": {"containers": [{"command": command, "image": image, "imagePullPolicy": "IfNotPresent", "name": name, "resources": {"requests": {"cpu": "100m"}}, "volumeMounts": paths}],
            "hostNetwork": true, "priorityClassName": "system-node-critical", "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "volumes": volumes},
        "status": {}});
    if let Some((key, value)) = annotation {
        pod["metadata"]["annotations"] = json!({key: value});
    }
    pod
}

fn write(pod: &Value, name: &str) -> Result<(), Fail> {
    Ok(place::write(format!("/etc/kubernetes/manifests/{name}.yaml"), yaml::write(pod), 0o600)?)
}

fn command(program: &str, flags: &[String]) -> Vec<String> {
    std::iter::once(program.to_owned()).chain(flags.iter().map(|flag| format!("--{flag}"))).collect()
}

/// Writes those of API server, controller manager and scheduler.
pub fn control_plane(plane: &Plane) -> Result<(), Fail> {
    let (address, registry, own) = (&plane.address, &plane.registry, version::claimed());
    println!("[control-plane] Using manifest folder \"/etc/kubernetes/manifests\"");
    println!("[control-plane] Creating static Pod manifest for \"kube-apiserver\"");
    let pki = "/etc/kubernetes/pki";
    let flags = [
        format!("advertise-address={address}"),
        "allow-privileged=true".into(),
        "authorization-mode=Node,RBAC".into(),
        format!("client-ca-file={pki}/ca.crt"),
        "enable-admission-plugins=NodeRestriction".into(),
        "enable-bootstrap-token-auth=true".into(),
        "etcd-servers=https://127.0.0.1:2379".into(),
        format!("secure-port={}", plane.port),
        format!("service-account-key-file={pki}/sa.pub"),
        format!("service-cluster-ip-range={}", plane.services),
        format!("tls-cert-file={pki}/apiserver.crt"),
        format!("tls-private-key-file={pki}/apiserver.key"),
    ];
    // The stand-in keeps its objects in etcd's directory itself, so it mounts that too.
    let mounts = [("k8s-certs", pki, false), ("etcd-data", "/var/lib/etcd", false)];
    write(
        &pod(
            "kube-apiserver",
            &format!("{registry}/kube-apiserver:{own}"),
            command("kube-apiserver", &flags),
            &mounts,
            Some((
                "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint",
                format!("{address}:{}", plane.port),
            )),
        ),
        "kube-apiserver",
    )?;
    println!("[control-plane] Creating static Pod manifest for \"kube-controller-manager\"");
    let mut flags = vec![
        "allocate-node-cidrs=true".to_owned(),
        "bind-address=127.0.0.1".into(),
        "cluster-name=kubernetes".into(),
        "controllers=*,bootstrapsigner,tokencleaner".into(),
        "kubeconfig=/etc/kubernetes/controller-manager.conf".into(),
        "leader-elect=true".into(),
        format!("service-cluster-ip-range={}", plane.services),
    ];
    if !plane.pods.is_empty() {
        flags.insert(3, format!("cluster-cidr={}", plane.pods));
    }
    write(
        &pod(
            "kube-controller-manager",
            &format!("{registry}/kube-controller-manager:{own}"),
            command("kube-controller-manager", &flags),
            &[("k8s-certs", pki, false), ("kubeconfig", "/etc/kubernetes/controller-manager.conf", true)],
            None,
        ),
        "kube-controller-manager",
    )?;
    println!("[control-plane] Creating static Pod manifest for \"kube-scheduler\"");
    let flags = [
        "authentication-kubeconfig=/etc/kubernetes/scheduler.conf".to_owned(),
        "bind-address=127.0.0.1".into(),
        "kubeconfig=/etc/kubernetes/scheduler.conf".into(),
        "leader-elect=true".into(),
    ];
    write(
        &pod(
            "kube-scheduler",
            &format!("{registry}/kube-scheduler:{own}"),
            command("kube-scheduler", &flags),
            &[("kubeconfig", "/etc/kubernetes/scheduler.conf", true)],
            None,
        ),
        "kube-scheduler",
    )
}

/// Writes etcd's.
pub fn etcd(plane: &Plane) -> Result<(), Fail> {
    let (address, registry) = (&plane.address, &plane.registry);
    println!("[etcd] Creating static Pod manifest for local etcd in \"/etc/kubernetes/manifests\"");
    let flags = [
        format!("advertise-client-urls=https://{address}:2379"),
        "data-dir=/var/lib/etcd".into(),
        format!("initial-advertise-peer-urls=https://{address}:2380"),
        format!("listen-client-urls=https://127.0.0.1:2379,https://{address}:2379"),
        format!("listen-peer-urls=https://{address}:2380"),
        format!("name={}", plane.node),
    ];
    write(
        &pod(
            "etcd",
            &etcd_image(registry),
            command("etcd", &flags),
            &[("etcd-data", "/var/lib/etcd", false), ("etcd-certs", "/etc/kubernetes/pki/etcd", false)],
            Some(("kubeadm.kubernetes.io/etcd.advertise-client-urls", format!("https://{address}:2379"))),
        ),
        "etcd",
    )
}

/// etcd's image for the claimed version.
pub fn etcd_image(registry: &str) -> String {
    format!("{registry}/etcd:{}", if version::at_least(32) { "3.5.21-0" } else { "3.5.0-0" })
}

/// CoreDNS's image for the claimed version.
pub fn coredns_image(registry: &str) -> String {
    format!("{registry}/coredns/coredns:{}", if version::at_least(30) { "v1.11.3" } else { "v1.8.4" })
}

/// `kubeadm config images list`.
pub fn images(registry: &str) -> Vec<String> {
    let own = version::claimed();
    let mut list: Vec<String> = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
        .iter()
        .map(|name| format!("{registry}/{name}:{own}"))
        .collect();
    list.push(version::pause_image());
    list.push(etcd_image(registry));
    list.push(coredns_image(registry));
    list
}
