//! The certs and kubeconfig phases of init, and `kubeadm certs check-expiration`.

use super::fail::Fail;
use crate::kubeconfig::{self, Credential};
use crate::pki::{self, Pair, Subject};
use crate::{clock, place, version, yaml};

const DIR: &str = "/etc/kubernetes/pki";

/// What the certificates are for.
pub struct Names {
    /// Node name
    pub node: String,
    /// advertised address
    pub address: String,
    /// first service address
    pub service: String,
    /// DNS domain
    pub domain: String,
    /// control plane endpoint host, if any, and extra SANs
    pub extra: Vec<String>,
}

fn keep(name: &str, pair: &Pair) -> Result<(), Fail> {
    place::write(format!("{DIR}/{name}.crt"), &pair.cert, 0o644)?;
    Ok(place::write(format!("{DIR}/{name}.key"), &pair.key, 0o600)?)
}

fn existing(name: &str) -> Option<Pair> {
    Some(Pair { cert: place::read(format!("{DIR}/{name}.crt"))?, key: place::read(format!("{DIR}/{name}.key"))? })
}

fn authority(name: &str, subject: &str) -> Result<Pair, Fail> {
    if let Some(pair) = existing(name) {
        println!("[certs] Using existing {name} certificate authority");
        return Ok(pair);
    }
    println!("[certs] Generating {name:?} certificate and key");
    let pair = pki::authority(subject)?;
    keep(name, &pair)?;
    Ok(pair)
}

fn leaf(ca: &Pair, name: &str, subject: &Subject<'_>) -> Result<(), Fail> {
    if existing(name).is_some() {
        println!("[certs] Using existing {name} certificate and key on disk");
        return Ok(());
    }
    println!("[certs] Generating {name:?} certificate and key");
    keep(name, &pki::issue(ca, subject)?)?;
    if !subject.names.is_empty() {
        let (ips, dns): (Vec<&String>, Vec<&String>) =
            subject.names.iter().partition(|name| name.parse::<std::net::IpAddr>().is_ok());
        let join = |list: Vec<&String>| list.into_iter().cloned().collect::<Vec<_>>().join(" ");
        println!("[certs] {name} serving cert is signed for DNS names [{}] and IPs [{}]", join(dns), join(ips));
    }
    Ok(())
}

/// The cluster CA on disk.
pub fn ca() -> Result<Pair, Fail> {
    existing("ca").ok_or_else(|| {
        Fail::plain(format!("failure loading ca certificate: open {DIR}/ca.crt: no such file or directory"))
    })
}

/// Makes all certificates.
pub fn generate(names: &Names) -> Result<(), Fail> {
    println!("[certs] Using certificateDir folder {DIR:?}");
    let ca = authority("ca", "kubernetes")?;
    let base = [
        "kubernetes".to_owned(),
        "kubernetes.default".into(),
        "kubernetes.default.svc".into(),
        format!("kubernetes.default.svc.{}", names.domain),
    ];
    let mut serving = vec![names.node.clone()];
    serving.extend(base);
    serving.extend([names.service.clone(), names.address.clone()]);
    serving.extend(names.extra.iter().cloned());
    leaf(&ca, "apiserver", &Subject { name: "kube-apiserver", group: None, names: &serving })?;
    let masters = if version::at_least(29) { "kubeadm:cluster-admins" } else { "system:masters" };
    leaf(
        &ca,
        "apiserver-kubelet-client",
        &Subject { name: "kube-apiserver-kubelet-client", group: Some(masters), names: &[] },
    )?;
    let front = authority("front-proxy-ca", "front-proxy-ca")?;
    leaf(&front, "front-proxy-client", &Subject { name: "front-proxy-client", group: None, names: &[] })?;
    let etcd = authority("etcd/ca", "etcd-ca")?;
    let local = [names.node.clone(), "localhost".into(), names.address.clone(), "127.0.0.1".into(), "::1".into()];
    leaf(&etcd, "etcd/server", &Subject { name: &names.node, group: None, names: &local })?;
    leaf(&etcd, "etcd/peer", &Subject { name: &names.node, group: None, names: &local })?;
    leaf(&etcd, "etcd/healthcheck-client", &Subject { name: "kube-etcd-healthcheck-client", group: None, names: &[] })?;
    leaf(&etcd, "apiserver-etcd-client", &Subject { name: "kube-apiserver-etcd-client", group: None, names: &[] })?;
    if place::read(format!("{DIR}/sa.key")).is_none() {
        println!("[certs] Generating \"sa\" key and public key");
        let (key, _) = pki::request(&Subject { name: "sa", group: None, names: &[] })?;
        place::write(format!("{DIR}/sa.key"), &key, 0o600)?;
        place::write(format!("{DIR}/sa.pub"), "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", 0o600)?;
    } else {
        println!("[certs] Using the existing \"sa\" key");
    }
    Ok(())
}

/// Writes admin.conf, kubelet.conf, controller-manager.conf and scheduler.conf.
pub fn kubeconfigs(node: &str, server: &str) -> Result<(), Fail> {
    let ca = &ca()?;
    println!("[kubeconfig] Using kubeconfig folder \"/etc/kubernetes\"");
    let kubelet = format!("system:node:{node}");
    let admins = if version::at_least(29) { "kubeadm:cluster-admins" } else { "system:masters" };
    let mut rows = vec![("admin.conf", "kubernetes-admin", Some(admins))];
    if version::at_least(29) {
        rows.push(("super-admin.conf", "kubernetes-super-admin", Some("system:masters")));
    }
    rows.extend([
        ("kubelet.conf", kubelet.as_str(), Some("system:nodes")),
        ("controller-manager.conf", "system:kube-controller-manager", None),
        ("scheduler.conf", "system:kube-scheduler", None),
    ]);
    for (file, user, group) in rows {
        println!("[kubeconfig] Writing {file:?} kubeconfig file");
        let pair = pki::issue(ca, &Subject { name: user, group, names: &[] })?;
        let config = kubeconfig::make(server, &ca.cert, "kubernetes", user, &Credential::Pair(&pair));
        place::write(format!("/etc/kubernetes/{file}"), yaml::write(&config), 0o600)?;
    }
    Ok(())
}

/// `kubeadm certs check-expiration`.
pub fn check_expiration() -> Result<(), Fail> {
    println!(
        "\nCERTIFICATE                EXPIRES                  RESIDUAL TIME   CERTIFICATE AUTHORITY   EXTERNALLY MANAGED"
    );
    for (name, ca) in [
        ("apiserver", "ca"),
        ("apiserver-etcd-client", "etcd-ca"),
        ("apiserver-kubelet-client", "ca"),
        ("etcd/healthcheck-client", "etcd-ca"),
        ("etcd/peer", "etcd-ca"),
        ("etcd/server", "etcd-ca"),
        ("front-proxy-client", "front-proxy-ca"),
    ] {
        let Some(end) = place::read(format!("{DIR}/{name}.crt")).and_then(|pem| pki::not_after(&pem)) else { continue };
        let when = time::OffsetDateTime::from_unix_timestamp(end).map(clock::stamp).unwrap_or_default();
        let days = (end - time::OffsetDateTime::now_utc().unix_timestamp()) / 86400;
        println!("{:<26} {when:<24} {:<15} {ca:<23} no", name.replace('/', "-"), format!("{days}d"));
    }
    Ok(())
}
