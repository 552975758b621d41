//! What Kubernetes needs of the kernel (its documentation, page "Container Runtimes").

/// Modules.
pub const MODULES: [&str; 2] = ["overlay", "br_netfilter"];
/// Settings that are 1.
pub const FORWARDING: [&str; 3] =
    ["net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
