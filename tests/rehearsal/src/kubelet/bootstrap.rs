//! TLS bootstrap: kubelet.conf at once, then the certificate it names, by a signing request.

use crate::kubeconfig;
use crate::net::api::Api;
use crate::pki::{self, Subject};
use crate::yaml::{parse, text};
use crate::{clock, faults, klog, place, yaml};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const PKI: &str = "/var/lib/kubelet/pki";
const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/// How long the start waits for the certificate; it goes on without, and kubelet.conf is of no use until it comes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sees to it that there is, or will be, a client certificate. An error is one the kubelet ends with.
pub fn begin(kubeconfig_path: &str, bootstrap: &str, node: &str) -> Result<()> {
    if kubeconfig::load(kubeconfig_path).is_ok() {
        return Ok(());
    }
    if bootstrap.is_empty() {
        bail!("invalid kubeconfig: stat {kubeconfig_path}: no such file or directory");
    }
    if !Path::new(bootstrap).exists() {
        bail!("unable to load bootstrap kubeconfig: stat {bootstrap}: no such file or directory");
    }
    let config = parse(&std::fs::read_to_string(bootstrap)?)?;
    let (server, ca) = kubeconfig::cluster(&config)?;
    let own = kubeconfig::for_kubelet(&server, &String::from_utf8_lossy(&ca), CURRENT);
    place::write(kubeconfig_path, yaml::write(&own), 0o600)?;
    let (tell, told) = std::sync::mpsc::channel();
    let node = node.to_owned();
    std::thread::spawn(move || {
        if let Err(error) = obtain(&config, &node) {
            klog::error(
                "certificate_manager.go:471",
                &format!(
                    "kubernetes.io/kube-apiserver-client-kubelet: Failed while requesting a signed certificate from the control plane: {error:#}"
                ),
            );
        }
        // Nobody listens any more when it took longer than the start waits.
        let _ = tell.send(());
    });
    let _ = told.recv_timeout(PATIENCE);
    Ok(())
}

fn obtain(config: &Value, node: &str) -> Result<()> {
    if let Some(text) = faults::parameter("slow-join") {
        clock::pause(Duration::from_secs(text.parse().unwrap_or(20)));
    }
    let api = kubeconfig::client(config)?;
    klog::info("bootstrap.go:262", "\"Waiting for client certificate to be issued\"");
    let name = format!("system:node:{node}");
    let (key, csr) = pki::request(&Subject { name: &name, group: Some("system:nodes"), names: &[] })?;
    keep(&request(&api, &csr)?, &key)
}

/// Posts a request and waits until it is signed.
fn request(api: &Api, csr: &str) -> Result<String> {
    let object = json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"generateName": "csr-"},
        "spec": {"request": pki::base64(csr), "signerName": "kubernetes.io/kube-apiserver-client-kubelet", "usages": ["digital signature", "key encipherment", "client auth"]}});
    let made = loop {
        match api.create(REQUESTS, &object) {
            Ok(made) => break made,
            Err(error) => {
                klog::error(
                    "certificate_manager.go:471",
                    &format!(
                        "kubernetes.io/kube-apiserver-client-kubelet: Failed while requesting a signed certificate from the control plane: cannot create certificate signing request: {error}"
                    ),
                );
                clock::pause(Duration::from_secs(5));
            }
        }
    };
    let target = format!("{REQUESTS}/{}", text(&made, "/metadata/name"));
    loop {
        let state = api.get(&target).map_err(|error| anyhow!("{error}"))?;
        if let Some(certificate) = state["status"]["certificate"].as_str() {
            return Ok(String::from_utf8_lossy(&pki::unbase64(certificate)?).into_owned());
        }
        refused(&state)?;
        clock::pause(Duration::from_millis(250));
    }
}

/// A request that was denied, or that the signer calls failed, is given up.
fn refused(state: &Value) -> Result<()> {
    let found = |kind: &str| yaml::items(state, "/status/conditions").iter().find(|c| c["type"] == kind);
    let Some((verb, condition)) =
        found("Denied").map(|c| ("is denied", c)).or_else(|| found("Failed").map(|c| ("failed", c)))
    else {
        return Ok(());
    };
    bail!(
        "certificate request was not signed: cannot watch on the certificate signing request: certificate signing request {verb}, reason: {}, message: {}",
        text(condition, "/reason"),
        text(condition, "/message")
    );
}

/// Keeps certificate and key in one dated file that `kubelet-client-current.pem` points to.
fn keep(certificate: &str, key: &str) -> Result<()> {
    place::dir(PKI, 0o755)?;
    let file = format!("{PKI}/kubelet-client-{}.pem", clock::file_stamp());
    place::write(&file, format!("{certificate}{key}"), 0o600)?;
    let temp = format!("{CURRENT}.new");
    let _ = std::fs::remove_file(&temp);
    std::os::unix::fs::symlink(&file, &temp)?;
    std::fs::rename(&temp, CURRENT).with_context(|| format!("linking {CURRENT}"))
}
