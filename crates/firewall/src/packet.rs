//! A packet on its way through this machine, as far as a firewall's rules ask about it.

use std::net::IpAddr;

/// The first packet of a connection, or the answer to it. Nothing has translated its addresses.
#[derive(Debug, Clone)]
pub struct Packet<'a> {
    /// Where from.
    pub source: IpAddr,
    /// Where to.
    pub destination: IpAddr,
    /// The link it comes in by; empty when that is not known.
    pub input: &'a str,
    /// The link it leaves by; empty when that is not known.
    pub output: &'a str,
    /// `icmp`, `tcp`, `udp`.
    pub protocol: &'a str,
    /// Destination port, when it is known.
    pub port: Option<u16>,
    /// It is the answer to another packet, which conntrack knows by then.
    pub answer: bool,
    /// Nobody can have marked it. iptables' rules are always read so: the mark that decides there is kube-proxy's own.
    pub unmarked: bool,
}

impl Packet<'_> {
    /// It stays on one bridge.
    pub fn bridged(&self) -> bool {
        !self.input.is_empty() && self.input == self.output
    }
}
