//! What Kubernetes needs of the kernel (its documentation, page "Container Runtimes").

/// Modules.
pub const MODULES: [&str; 2] = ["overlay", "br_netfilter"];
/// Settings that are 1.
pub const FORWARDING: [&str; 3] =
    ["net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables"];
/// Where pods have IPv6. It is not one of the others, because of what it takes away: see `observe::ipv6`.
pub const IPV6_FORWARDING: &str = "net.ipv6.conf.all.forwarding";
