//! Which container runtime kubeadm talks to, and what it says when it cannot.

use super::fail::Fail;
use crate::version;
use std::path::Path;

const CONTAINERD: &str = "/run/containerd/containerd.sock";
const CRIO: &str = "/var/run/crio/crio.sock";
const DOCKER: &str = "/var/run/docker.sock";

/// A socket as the claimed version writes it: a path up to 1.23, a URL since.
pub fn normal(socket: &str) -> String {
    let path = path(socket);
    if version::at_least(24) { format!("unix://{path}") } else { socket.to_owned() }
}

/// The path in a socket URL.
pub fn path(socket: &str) -> &str {
    socket.strip_prefix("unix://").unwrap_or(socket)
}

/// The socket found on this machine; more than one is an error, none means the version's default.
pub fn detect() -> Result<String, Fail> {
    let found: Vec<&str> = [CONTAINERD, CRIO, DOCKER].into_iter().filter(|path| Path::new(path).exists()).collect();
    match (found.as_slice(), version::at_least(24)) {
        ([one], new) => Ok(if new { format!("unix://{one}") } else { (*one).to_owned() }),
        ([], true) => Ok("unix:///var/run/containerd/containerd.sock".into()),
        ([], false) => Ok(DOCKER.into()),
        (many, true) => Err(Fail::plain(format!(
            "found multiple CRI endpoints on the host. Please define which one do you wish to use by setting the 'criSocket' field in the kubeadm configuration file: {}",
            many.iter().map(|path| format!("unix://{path}")).collect::<Vec<_>>().join(", ")
        ))),
        (many, false) => Err(Fail::plain(format!(
            "Found multiple CRI sockets, please use --cri-socket to select one: {}",
            many.join(", ")
        ))),
    }
}

/// Whether a socket is docker's, which 1.22 and 1.23 fall back to.
pub fn is_docker(socket: &str) -> bool {
    path(socket) == DOCKER
}
