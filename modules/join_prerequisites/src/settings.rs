//! What Kubernetes needs of the kernel (its documentation, page "Container Runtimes"), and whether the kernel is ours.

use std::path::Path;

/// Modules.
pub const MODULES: [&str; 2] = ["overlay", "br_netfilter"];
/// Settings that are 1.
pub const FORWARDING: [&str; 3] =
    ["net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];

/// systemd tells its children; a container's clock is the machine's outside.
pub fn in_container() -> bool {
    Path::new("/run/systemd/container").exists() || Path::new("/run/.containerenv").exists()
}
