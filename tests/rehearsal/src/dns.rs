//! CoreDNS's part: names of Services from the API, everything else forwarded to the node's resolver.

use crate::hostside;
use crate::place;
use crate::yaml::{items, text};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const DOMAIN: &str = ".svc.cluster.local";

/// `coredns FLAGS`.
pub fn main() -> ExitCode {
    crate::container::end_on_term();
    let services: Arc<Mutex<Value>> = Arc::default();
    let shared = services.clone();
    std::thread::spawn(move || {
        loop {
            if let Some(list) = hostside::api().ok().and_then(|api| api.get("/api/v1/services").ok()) {
                *shared.lock().unwrap_or_else(PoisonError::into_inner) = list;
            }
            crate::clock::pause(Duration::from_secs(2));
        }
    });
    probes();
    let over_tcp = services.clone();
    std::thread::spawn(move || tcp(&over_tcp));
    let Ok(socket) = UdpSocket::bind("0.0.0.0:53") else {
        eprintln!("listen udp :53: bind: address already in use");
        return ExitCode::FAILURE;
    };
    let mut query = [0u8; 4096];
    while let Ok((size, peer)) = socket.recv_from(&mut query) {
        if let Some(answer) = answer(&query[..size], &services) {
            // A client that went away misses its answer.
            let _ = socket.send_to(&answer, peer);
        }
    }
    ExitCode::FAILURE
}

/// What a kubelet asks whether CoreDNS lives, and whether it serves.
fn probes() {
    use crate::net::http::{Request, Response};
    let ok = |_: Request, _| Response {
        status: 200,
        headers: vec![("Content-Type".into(), "text/plain".into())],
        body: b"OK".to_vec(),
    };
    for port in [8080, 8181] {
        match TcpListener::bind(("0.0.0.0", port)) {
            Ok(listener) => {
                std::thread::spawn(move || crate::net::server::serve(listener, None, Arc::new(ok)));
            }
            Err(error) => eprintln!("listen tcp :{port}: {error}"),
        }
    }
}

fn tcp(services: &Mutex<Value>) {
    let Ok(listener) = TcpListener::bind("0.0.0.0:53") else { return };
    for mut stream in listener.incoming().flatten() {
        let mut size = [0u8; 2];
        if stream.read_exact(&mut size).is_err() {
            continue;
        }
        let mut query = vec![0u8; usize::from(u16::from_be_bytes(size))];
        if stream.read_exact(&mut query).is_ok()
            && let Some(answer) = answer(&query, services)
        {
            let framed = [&(answer.len() as u16).to_be_bytes()[..], &answer].concat();
            let _ = stream.write_all(&framed);
        }
    }
}

/// Name and type asked for, and where the question ends.
fn question(query: &[u8]) -> Option<(String, u16, usize)> {
    let (mut at, mut labels) = (12, Vec::new());
    loop {
        let size = usize::from(*query.get(at)?);
        if size == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at + 1..at + 1 + size)?).to_lowercase());
        at += size + 1;
    }
    let kind = u16::from_be_bytes([*query.get(at + 1)?, *query.get(at + 2)?]);
    Some((labels.join("."), kind, at + 5))
}

fn service(name: &str, services: &Value) -> Option<Ipv4Addr> {
    let (service, namespace) = name.strip_suffix(DOMAIN)?.split_once('.')?;
    let found = items(services, "/items")
        .iter()
        .find(|object| text(object, "/metadata/name") == service && text(object, "/metadata/namespace") == namespace)?;
    text(found, "/spec/clusterIP").parse().ok()
}

fn answer(query: &[u8], services: &Mutex<Value>) -> Option<Vec<u8>> {
    let (name, kind, end) = question(query)?;
    if !name.ends_with(".cluster.local") {
        return forward(query).or_else(|| Some(reply(query, end, 2, None)));
    }
    let address = service(&name, &services.lock().unwrap_or_else(PoisonError::into_inner));
    Some(match address {
        Some(address) => reply(query, end, 0, (kind == 1).then_some(address)),
        None => reply(query, end, 3, None),
    })
}

fn reply(query: &[u8], end: usize, code: u8, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut reply = query[..end.min(query.len())].to_vec();
    reply[2] = 0x85;
    reply[3] = 0x80 | code;
    reply[6..12].copy_from_slice(&[0, u8::from(address.is_some()), 0, 0, 0, 0]);
    if let Some(address) = address {
        reply.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4]);
        reply.extend_from_slice(&address.octets());
    }
    reply
}

fn forward(query: &[u8]) -> Option<Vec<u8>> {
    let resolv = place::read("/etc/resolv.conf")?;
    let server = resolv.lines().find_map(|line| line.strip_prefix("nameserver "))?.trim().parse().ok()?;
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    socket.send_to(query, SocketAddr::new(server, 53)).ok()?;
    let mut answer = vec![0u8; 4096];
    let size = socket.recv(&mut answer).ok()?;
    answer.truncate(size);
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_is_answered_with_its_address() {
        let services = json!({"items": [{"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1"}}]});
        let mut query = vec![1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in ["kubernetes", "default", "svc", "cluster", "local"] {
            query.push(label.len() as u8);
            query.extend_from_slice(label.as_bytes());
        }
        query.extend_from_slice(&[0, 0, 1, 0, 1]);
        let reply = answer(&query, &Mutex::new(services)).unwrap();
        assert_eq!(reply[..4], [1, 2, 0x85, 0x80]);
        assert!(reply.ends_with(&[10, 96, 0, 1]));
    }
}
