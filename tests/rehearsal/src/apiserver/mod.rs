//! kube-apiserver, with controller manager and scheduler in the same process; takes the real one's flags and ignores most.

mod auth;
mod bootstrap;
mod budgets;
pub mod nodes;
mod rest;
mod schedule;
mod select;
pub mod services;
mod status;
mod store;
mod workloads;
mod write;

use crate::net::http::{Request, Response};
use crate::net::{server, trust};
use crate::pki::Pair;
use crate::{clock, faults, klog, version};
use anyhow::{Context, Result};
pub use bootstrap::condition as verdict;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::{Store, key};

/// Where objects live below etcd's data directory.
const OBJECTS: &str = "member/snap/rehearsal";

fn flag<'a>(args: &'a [String], name: &str, default: &'a str) -> &'a str {
    args.iter().find_map(|arg| arg.strip_prefix(&format!("--{name}="))).unwrap_or(default)
}

/// `kube-apiserver FLAGS`; also understands `--etcd-data-dir` and `--pki` (tests).
pub fn main(args: &[String]) -> ExitCode {
    if std::process::id() == 1 {
        // The first process of a container gets no default action for SIGTERM.
        crate::container::end_on_term();
    }
    match serve(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            klog::error("run.go:74", &format!("\"command failed\" err=\"{error:#}\""));
            ExitCode::FAILURE
        }
    }
}

fn serve(args: &[String]) -> Result<()> {
    let pki = flag(args, "pki", "/etc/kubernetes/pki");
    let data = flag(args, "etcd-data-dir", "/var/lib/etcd");
    let bind = flag(args, "bind-address", "0.0.0.0");
    let port: u16 = flag(args, "secure-port", "6443").parse().context("--secure-port")?;
    let read =
        |name: &str| std::fs::read_to_string(Path::new(pki).join(name)).with_context(|| format!("open {pki}/{name}"));
    let ca = Pair { cert: read("ca.crt")?, key: read("ca.key")? };
    let account_key = read("sa.key")?.into_bytes();
    let tls = trust::server(read("apiserver.crt")?.as_bytes(), read("apiserver.key")?.as_bytes())?;
    let store = Store::open(Path::new(data).join(OBJECTS))?;
    crate::place::dir(Path::new(data).join("member/wal"), 0o700)?;
    let store = Arc::new(Mutex::new(store));
    seed(&mut store.lock().unwrap_or_else(PoisonError::into_inner))?;
    let listener = TcpListener::bind((bind, port))
        .with_context(|| format!("failed to create listener: failed to listen on {bind}:{port}"))?;
    klog::info("secure_serving.go:200", &format!("Serving securely on {bind}:{port} ({})", crate::banner::LINE));
    let shared = store.clone();
    let signer = ca.clone();
    std::thread::spawn(move || {
        loop {
            if let Err(error) = controllers(&shared, &signer) {
                klog::error("controllermanager.go:1", &format!("{error:#}"));
            }
            clock::pause(Duration::from_millis(400));
        }
    });
    let handler = move |request: Request, cert: Option<rustls::pki_types::CertificateDer<'static>>| {
        handle(&store, &ca, &account_key, &request, cert)
    };
    if faults::switched("api-not-tls") {
        server::serve(listener, None, Arc::new(handler));
    } else {
        server::serve(listener, Some(tls), Arc::new(handler));
    }
    Ok(())
}

/// What the API server makes in an empty cluster.
fn seed(store: &mut Store) -> Result<()> {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        if store.get(&key("namespaces", "", name)).is_none() {
            let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": crate::pki::uuid(),
                "creationTimestamp": clock::now(), "labels": {"kubernetes.io/metadata.name": name}}, "status": {"phase": "Active"}});
            store.put(key("namespaces", "", name), object)?;
        }
    }
    Ok(())
}

fn controllers(store: &Mutex<Store>, ca: &Pair) -> Result<()> {
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    bootstrap::sign_cluster_info(&mut store)?;
    bootstrap::sign_requests(&mut store, ca)?;
    nodes::round(&mut store)?;
    workloads::daemonsets(&mut store)?;
    workloads::deployments(&mut store)?;
    workloads::replicas(&mut store)?;
    schedule::round(&mut store)?;
    schedule::collect(&mut store)?;
    budgets::round(&mut store)?;
    services::endpoints(&mut store)
}

/// `/version`, as kubectl and kubeadm read it.
pub fn version_object() -> Value {
    let version = version::claimed();
    json!({"major": version.major.to_string(), "minor": version.minor.to_string(), "gitVersion": version.to_string(),
        "gitCommit": "rehearsal", "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none",
        "compiler": "rehearsal stand-in", "platform": "linux/amd64"})
}

/// Of what the core group has, the part that differs between versions: 1.22 took the Eviction of policy/v1.
fn core_resources() -> Value {
    let version = if version::claimed().minor >= 22 { "v1" } else { "v1beta1" };
    json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
        {"name": "pods", "namespaced": true, "kind": "Pod", "verbs": ["create", "delete", "get", "list"]},
        {"name": "pods/eviction", "namespaced": true, "group": "policy", "version": version, "kind": "Eviction", "verbs": ["create"]}]})
}

fn handle(
    store: &Mutex<Store>,
    ca: &Pair,
    account_key: &[u8],
    request: &Request,
    cert: Option<rustls::pki_types::CertificateDer<'static>>,
) -> Response {
    let plain = |status, text: &str| Response {
        status,
        headers: vec![("Content-Type".into(), "text/plain; charset=utf-8".into())],
        body: text.into(),
    };
    match request.path.trim_end_matches('/') {
        "/healthz" | "/livez" | "/readyz" => return plain(200, "ok"),
        "/version" => return status::answer(200, &version_object()),
        "/api/v1" => return status::answer(200, &core_resources()),
        _ => {}
    }
    if busy() {
        let mut response = plain(429, "Too many requests, please try again later.\n");
        response.headers.push(("Retry-After".into(), "1".into()));
        return response;
    }
    if let Some(response) = faulty(request) {
        return response;
    }
    let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let refused = bearer.is_some_and(|token| !token.starts_with("sa.")) && faults::switched("token-unauthorized");
    let found = if refused { None } else { auth::authenticate(&store, &ca.cert, account_key, cert.as_ref(), bearer) };
    let Some(user) = found else { return status::Failure::unauthorized().response() };
    rest::handle(&mut store, &user, request, account_key).unwrap_or_else(|failure| failure.response())
}

/// Whether this request is turned away (apiserver, filters/priority-and-fairness.go): evenly spread over all requests.
fn busy() -> bool {
    static ASKED: AtomicU64 = AtomicU64::new(0);
    let Some(percent) = faults::parameter("api-busy") else { return false };
    let place = ASKED.fetch_add(1, Ordering::Relaxed) % 100 * 61 % 100;
    place < percent.parse().unwrap_or(100)
}

/// What switched-on faults answer instead of the API.
fn faulty(request: &Request) -> Option<Response> {
    let config = request.path.ends_with("/configmaps/kubeadm-config");
    let failure = if faults::on("api-throttled") {
        status::Failure::new(
            429,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        )
    } else if faults::switched("etcd-timeout") {
        status::Failure::new(500, "InternalError", "etcdserver: request timed out")
    } else if config && faults::switched("config-missing") {
        status::Failure::not_found("configmaps", "kubeadm-config")
    } else {
        return None;
    };
    Some(failure.response())
}
