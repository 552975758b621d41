//! The kubelet's two ports: healthz in plain HTTP on loopback, and 10250 with TLS.

use crate::net::http::{Request, Response};
use crate::net::{server, trust};
use crate::pki::{self, Subject};
use crate::{faults, klog, place};
use anyhow::{Context, Result};
use std::net::TcpListener;
use std::sync::Arc;

fn plain(status: u16, text: &str) -> Response {
    Response { status, headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into())], body: text.into() }
}

/// Serves healthz on 127.0.0.1:`port`.
pub fn health(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .with_context(|| format!("listen tcp 127.0.0.1:{port}: bind: address already in use"))?;
    let handler = |request: Request, _| match request.path.as_str() {
        "/healthz" if faults::switched("healthz-500") => {
            plain(500, "[-]syncloop failed: reason withheld\nhealthz check failed")
        }
        "/healthz" => plain(200, "ok"),
        _ => plain(404, "404 page not found"),
    };
    std::thread::spawn(move || server::serve(listener, None, Arc::new(handler)));
    Ok(())
}

/// Serves 10250 with the kubelet's self-signed certificate, made when missing.
pub fn secure(node: &str) -> Result<()> {
    let (cert, key) = ("/var/lib/kubelet/pki/kubelet.crt", "/var/lib/kubelet/pki/kubelet.key");
    if place::read(cert).is_none() {
        let ca = pki::authority(&format!("{node}-ca@1"))?;
        let pair = pki::issue(&ca, &Subject { name: &format!("{node}@1"), group: None, names: &[node.to_owned()] })?;
        place::write(cert, pair.cert + &ca.cert, 0o644)?;
        place::write(key, pair.key, 0o600)?;
    }
    let tls = trust::server(&std::fs::read(cert)?, &std::fs::read(key)?)?;
    let listener =
        TcpListener::bind(("0.0.0.0", 10250)).context("listen tcp 0.0.0.0:10250: bind: address already in use")?;
    klog::info("server.go:149", "\"Starting to listen\" address=\"0.0.0.0\" port=10250");
    let handler = |request: Request, cert: Option<_>| match (request.path.as_str(), cert) {
        ("/healthz", _) => plain(200, "ok"),
        (_, None) => plain(401, "Unauthorized"),
        _ => plain(404, "404 page not found"),
    };
    std::thread::spawn(move || server::serve(listener, Some(tls), Arc::new(handler)));
    Ok(())
}
