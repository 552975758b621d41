//! The proxy that kubeadm goes through, by the variables it reads, and whether that proxy lets it through.
//!
//! The rules are those of golang.org/x/net/http/httpproxy, which Go's HTTP client uses: upper-case variables before
//! lower-case ones, HTTPS_PROXY alone for https, loopback never proxied, NO_PROXY with addresses, networks, ports and domains.

use crate::classify::Class;
use crate::endpoint::{Endpoint, Unreachable};
use base64::Engine as _;
use host::deadline::Deadline;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

/// How long a proxy may take to answer a CONNECT: it makes a connection of its own meanwhile.
const ANSWER: Duration = Duration::from_secs(5);

/// A status line that is longer is not one.
const STATUS_LINE: usize = 1024;

/// What the environment says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    https: String,
    no_proxy: String,
}

/// A proxy. Its `Debug` does not show the login.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// `host:port`.
    pub endpoint: Endpoint,
    /// Whether the way to it is TLS, so that it cannot be asked here.
    tls: bool,
    /// `user:password`.
    login: Option<String>,
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proxy({})", self.endpoint)
    }
}

impl Proxies {
    /// What this process, and so kubeadm below it, has.
    pub fn of_environment() -> Self {
        Self::of(|name| std::env::var(name).ok())
    }

    /// By variable; an empty one counts as unset.
    pub fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |upper: &str, lower: &str| {
            [upper, lower].into_iter().filter_map(&variable).find(|value| !value.is_empty()).unwrap_or_default()
        };
        Proxies { https: either("HTTPS_PROXY", "https_proxy"), no_proxy: either("NO_PROXY", "no_proxy") }
    }

    /// Whether there is one at all.
    pub fn any(&self) -> bool {
        !self.https.is_empty()
    }

    /// The proxy on the way to an https server; none when the way is direct.
    pub fn towards(&self, host: &str, port: u16) -> Option<Result<Proxy, Unreachable>> {
        (self.any() && !self.excepted(host, port)).then(|| Proxy::parse(&self.https))
    }

    /// Whether NO_PROXY, or its being this machine, makes the way direct.
    pub fn excepted(&self, host: &str, port: u16) -> bool {
        let host = host.trim().to_lowercase();
        let ip = host.parse::<IpAddr>().ok();
        host == "localhost"
            || ip.is_some_and(|ip| ip.is_loopback())
            || self.no_proxy.split(',').any(|entry| matches(&entry.trim().to_lowercase(), &host, ip, port))
    }
}

/// One entry of NO_PROXY.
fn matches(entry: &str, host: &str, ip: Option<IpAddr>, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    if let Some((network, length)) = entry.split_once('/') {
        let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
        return ip.is_some_and(|ip| in_network(ip, network, length));
    }
    let (name, wanted) = split_port(entry);
    if wanted.is_some_and(|wanted| wanted.parse() != Ok(port)) || name.is_empty() {
        return false;
    }
    if let Ok(excepted) = name.parse::<IpAddr>() {
        return ip == Some(excepted);
    }
    let domain = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
    match domain.strip_prefix('.') {
        Some(_) => host.ends_with(domain),
        None => host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')),
    }
}

/// `host:port`, `[v6]:port`; a bare IPv6 address has no port.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (entry, None),
    }
}

fn in_network(ip: IpAddr, network: IpAddr, length: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(ip) & mask == u32::from(network) & mask
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(ip) & mask == u128::from(network) & mask
        }
        _ => false,
    }
}

impl Proxy {
    /// `http://user:password@host:port`, each part but the host optional. An error never shows the login.
    fn parse(text: &str) -> Result<Self, Unreachable> {
        let (tls, default, rest) = match text.split_once("://") {
            Some(("http", rest)) => (false, 80, rest),
            Some(("https", rest)) => (true, 443, rest),
            Some(("socks5" | "socks5h", rest)) => (true, 1080, rest),
            _ => (false, 80, text),
        };
        let rest = rest.split('/').next().unwrap_or_default();
        let (login, address) = rest.rsplit_once('@').map_or((None, rest), |(login, rest)| (Some(login), rest));
        let endpoint = Endpoint::read(address, default).map_err(|e| Unreachable {
            class: Class::ProxyInvalid,
            cause: format!("HTTPS_PROXY names {address:?} as proxy: {e}"),
        })?;
        Ok(Proxy { endpoint, tls, login: login.map(decoded) })
    }

    /// Asks the proxy for a connection to a server, as kubeadm does, and lets it go.
    pub fn reach(&self, server: &Endpoint, deadline: &Deadline) -> Result<(), Unreachable> {
        let mut stream = self.endpoint.connect(deadline).map_err(|unreachable| Unreachable {
            class: match unreachable.class {
                Class::EndpointNameUnknown => Class::ProxyNameUnknown,
                Class::ApiRefused | Class::EndpointIsOwn => Class::ProxyRefused,
                _ => Class::ProxyUnreachable,
            },
            cause: format!("the proxy {} (HTTPS_PROXY): {}", self.endpoint, unreachable.cause),
        })?;
        if self.tls {
            return Ok(());
        }
        let answer = self.ask(&mut stream, server, deadline);
        let status = answer.map_err(|e| self.says(Class::ProxyInvalid, server, &format!("no answer: {e}")))?;
        let class = match status.as_deref().map(|line| line.split_whitespace().nth(1).unwrap_or_default()) {
            Some("200") => return Ok(()),
            Some("403") => Class::ProxyForbids,
            Some("407") => Class::ProxyWantsLogin,
            Some(code) if code.starts_with('5') && code != "501" => Class::ProxyFails,
            _ => Class::ProxyInvalid,
        };
        Err(self.says(class, server, status.as_deref().unwrap_or("no answer in HTTP")))
    }

    fn says(&self, class: Class, server: &Endpoint, words: &str) -> Unreachable {
        Unreachable { class, cause: format!("the proxy {} (HTTPS_PROXY), asked for {server}: {words}", self.endpoint) }
    }

    /// The status line of its answer; none when that is not HTTP.
    fn ask(&self, stream: &mut TcpStream, server: &Endpoint, deadline: &Deadline) -> std::io::Result<Option<String>> {
        let limit = ANSWER.min(deadline.left()).max(Duration::from_millis(1));
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        let login = self.login.as_ref().map(|login| {
            format!("Proxy-Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(login))
        });
        let login = login.unwrap_or_default();
        stream.write_all(format!("CONNECT {server} HTTP/1.1\r\nHost: {server}\r\n{login}\r\n").as_bytes())?;
        // The line may come in pieces.
        let mut answer = Vec::new();
        let mut piece = [0; 256];
        while !answer.contains(&b'\n') && answer.len() < STATUS_LINE {
            match stream.read(&mut piece)? {
                0 => break,
                length => answer.extend_from_slice(&piece[..length]),
            }
        }
        let text = String::from_utf8_lossy(&answer);
        let line = text.lines().next().unwrap_or_default().trim().to_owned();
        Ok(line.starts_with("HTTP/1.").then_some(line))
    }
}

/// Whether the server can be reached the way that kubeadm takes: through the proxy that the environment names, or directly.
pub fn reach(server: &Endpoint, deadline: &Deadline) -> Result<(), Unreachable> {
    match Proxies::of_environment().towards(&server.host, server.port) {
        Some(proxy) => proxy?.reach(server, deadline),
        None => server.connect(deadline).map(drop),
    }
}

/// `%40` as `@`: a password in a URL.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
