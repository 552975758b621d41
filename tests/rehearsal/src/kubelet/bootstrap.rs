//! TLS bootstrap: kubelet.conf at once, then the certificate it names, by a signing request.

use crate::kubeconfig;
use crate::net::api::Api;
use crate::pki::{self, Subject};
use crate::yaml::{parse, text};
use crate::{clock, faults, klog, place, yaml};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

const PKI: &str = "/var/lib/kubelet/pki";
const CURRENT: &str = "/var/lib/kubelet/pki/kubelet-client-current.pem";
const REQUESTS: &str = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/// A client with the kubelet's own certificate, bootstrapped when there is none yet.
pub fn client(kubeconfig_path: &str, bootstrap: &str, node: &str) -> Result<Api> {
    if let Ok(api) = kubeconfig::load(kubeconfig_path) {
        return Ok(api);
    }
    if !bootstrap.is_empty() && !Path::new(bootstrap).exists() {
        bail!("unable to load bootstrap kubeconfig: stat {bootstrap}: no such file or directory");
    }
    if bootstrap.is_empty() {
        bail!("invalid kubeconfig: stat {kubeconfig_path}: no such file or directory");
    }
    let config = parse(&std::fs::read_to_string(bootstrap)?)?;
    let (server, ca) = kubeconfig::cluster(&config)?;
    let own = kubeconfig::for_kubelet(&server, &String::from_utf8_lossy(&ca), CURRENT);
    place::write(kubeconfig_path, yaml::write(&own), 0o600)?;
    if let Some(text) = faults::parameter("slow-join") {
        clock::pause(Duration::from_secs(text.parse().unwrap_or(20)));
    }
    let api = kubeconfig::client(&config)?;
    klog::info("bootstrap.go:1", "\"Waiting for client certificate to be issued\"");
    let (key, csr) =
        pki::request(&Subject { name: &format!("system:node:{node}"), group: Some("system:nodes"), names: &[] })?;
    let certificate = request(&api, &csr)?;
    keep(&certificate, &key)?;
    kubeconfig::load(kubeconfig_path).context("loading the new kubeconfig")
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
        if state["status"]["conditions"][0]["type"] == "Denied" {
            klog::error(
                "certificate_manager.go:471",
                "kubernetes.io/kube-apiserver-client-kubelet: certificate request was denied",
            );
            bail!(
                "certificate signing request is denied, reason: {}, message: {}",
                text(&state, "/status/conditions/0/reason"),
                text(&state, "/status/conditions/0/message")
            );
        }
        clock::pause(Duration::from_millis(250));
    }
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
