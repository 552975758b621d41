//! `host:port` of an API server: reading it, and finding out whether anything answers there.

use crate::classify::Class;
use anyhow::ensure;
use host::deadline::Deadline;
use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::Duration;

/// The port kubeadm gives the API server.
pub const API_PORT: u16 = 6443;
/// How long one connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);

/// An API server's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `host`, `host:port`, `[v6]:port`, a bare IPv6 address, each with or without `https://`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let plain = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
        // The whole of fd00::1:6443 is an address, too, and whoever wrote it meant a port.
        if let (Ok(IpAddr::V6(_)), Some(host)) = (plain.parse(), plain.strip_suffix(":6443")) {
            anyhow::bail!("an IPv6 address with a port is written [{host}]:6443");
        }
        let endpoint = Self::read(plain, API_PORT)?;
        // No name ends with a number; an address that is written wrongly does, and no name server would know it.
        let last = endpoint.host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
        ensure!(
            endpoint.host.parse::<IpAddr>().is_ok() || !last.chars().all(|c| c.is_ascii_digit()),
            "{} is not an IP address, and no DNS name ends with a number",
            endpoint.host
        );
        Ok(endpoint)
    }

    /// Reads the `server` of a kubeconfig: a URL, which may have a path, and whose port is 443 unless it says otherwise.
    pub fn of_server(url: &str) -> anyhow::Result<Self> {
        let (port, rest) = match url.strip_prefix("http://") {
            Some(rest) => (80, rest),
            None => (443, url.strip_prefix("https://").unwrap_or(url)),
        };
        Self::read(rest.split('/').next().unwrap_or_default(), port)
    }

    pub(crate) fn read(plain: &str, default: u16) -> anyhow::Result<Self> {
        let (host, port) = match plain.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None if plain.parse::<IpAddr>().is_ok() => (plain, None),
            None => plain.split_once(':').map_or((plain, None), |(host, port)| (host, Some(port))),
        };
        let port = match port {
            None => default,
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| anyhow::anyhow!("the port {port:?} must be a number from 1 to 65535"))?,
        };
        let name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        ensure!(
            host.parse::<IpAddr>().is_ok() || (!host.is_empty() && host.chars().all(name)),
            "it must be host:port, with a DNS name or an IP address as host"
        );
        Ok(Endpoint { host: host.to_owned(), port })
    }

    /// Tries to connect. An error is the class of failure and the words of the system.
    pub fn connect(&self, deadline: &Deadline) -> Result<TcpStream, Unreachable> {
        let unreachable = |class, cause: String| Unreachable { class, cause };
        let addresses = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|e| unreachable(Class::EndpointNameUnknown, format!("resolving {}: {e}", self.host)))?;
        let mut last = unreachable(Class::EndpointNameUnknown, format!("resolving {}: it has no address", self.host));
        for address in addresses {
            let limit = CONNECT.min(deadline.left()).max(Duration::from_millis(1));
            match TcpStream::connect_timeout(&address, limit) {
                Ok(stream) => return Ok(stream),
                Err(e) if is_own(address.ip()) && !address.ip().is_loopback() => {
                    let cause = format!("connecting to {address}: {e}; that is an address of this very node");
                    last = unreachable(Class::EndpointIsOwn, cause);
                }
                Err(e) => last = unreachable(class_of(e.kind()), format!("connecting to {address}: {e}")),
            }
        }
        Err(last)
    }
}

/// The address that packets of this machine to another have as their source. Sends nothing.
pub fn source_towards(address: IpAddr) -> Option<IpAddr> {
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    // A port that nothing is sent to.
    socket.connect((address, 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Whether an address is one of this machine's: then packets to it come from it.
pub fn is_own(address: IpAddr) -> bool {
    source_towards(address) == Some(address)
}

fn class_of(kind: ErrorKind) -> Class {
    match kind {
        ErrorKind::ConnectionRefused => Class::ApiRefused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Class::ApiNoRoute,
        _ => Class::ApiTimeout,
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Nothing answers at an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The failure class, a row of [`crate::classify`].
    pub class: Class,
    /// What was tried, and the system's words.
    pub cause: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn endpoints_are_read_however_people_write_them() {
        for (text, read) in [
            ("10.0.0.1", "10.0.0.1:6443"),
            ("10.0.0.1:7443", "10.0.0.1:7443"),
            ("https://cp.example:6443/", "cp.example:6443"),
            ("fd00::1", "[fd00::1]:6443"),
            ("[fd00::1]:7443", "[fd00::1]:7443"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().to_string(), read, "{text}");
        }
        for text in ["", "a b", "h:0", "h:x", "h:1:2", "user@h", "fd00::1:6443", "999.1.1.1", "1.2.3", "10.0.0"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_server_of_a_kubeconfig_is_a_url() {
        for (text, read) in [
            ("https://10.0.0.1:6443", "10.0.0.1:6443"),
            ("https://cp.example", "cp.example:443"),
            ("https://rancher.example/k8s/clusters/c-1", "rancher.example:443"),
            ("https://[fd00::1]:6443/", "[fd00::1]:6443"),
            ("http://127.0.0.1", "127.0.0.1:80"),
            ("127.0.0.1:8001", "127.0.0.1:8001"),
        ] {
            assert_eq!(Endpoint::of_server(text).unwrap().to_string(), read, "{text}");
        }
        assert!(Endpoint::of_server("https:///x").is_err());
    }

    #[test]
    fn a_closed_port_is_refused_and_an_open_one_connects() {
        let deadline = Deadline::after(Duration::from_secs(5));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut endpoint = Endpoint { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        assert!(endpoint.connect(&deadline).is_ok());
        drop(listener);
        assert_eq!(endpoint.connect(&deadline).unwrap_err().class, Class::ApiRefused);
        endpoint.host = "no-such-name.invalid".into();
        assert_eq!(endpoint.connect(&deadline).unwrap_err().class, Class::EndpointNameUnknown);
    }

    #[test]
    fn this_machines_addresses_are_told_from_others() {
        assert!(is_own("127.0.0.1".parse().unwrap()) && !is_own("192.0.2.1".parse().unwrap()));
        // Of an address of its own that is no loopback, only where there is one.
        let Some(own) = source_towards("192.0.2.1".parse().unwrap()) else { return };
        assert!(is_own(own));
        let endpoint = Endpoint { host: own.to_string(), port: 1 };
        let refused = endpoint.connect(&Deadline::after(Duration::from_secs(5))).unwrap_err();
        assert_eq!(refused.class, Class::EndpointIsOwn, "{}", refused.cause);
    }
}
