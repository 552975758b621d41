//! One HTTPS client to one server, its connection kept open; errors read as Go's net/http writes them.

use super::http::{Response, read_response};
use super::trust;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::cell::RefCell;
use std::io::{BufReader, ErrorKind, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// How often an answer with Retry-After is obeyed.
const RETRIES: u32 = 10;

/// A client of `https://host:port`.
pub struct Client {
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
    token: Option<String>,
    timeout: Duration,
    stream: RefCell<Option<Stream>>,
}

/// Splits `https://host:port/` or `host:port`; the port is 443 when not given.
pub fn split(server: &str) -> (String, u16) {
    let rest = server.trim_start_matches("https://").trim_end_matches('/');
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') => {
            (host.trim_matches(['[', ']']).to_owned(), port.parse().unwrap_or(443))
        }
        _ => (rest.trim_matches(['[', ']']).to_owned(), 443),
    }
}

/// The address of `host`: an IP, a name in /etc/hosts, or what `getent` says (a static binary has no resolver of its own).
pub fn resolve(host: &str) -> Result<IpAddr, String> {
    if let Ok(ip) = host.parse() {
        return Ok(ip);
    }
    if host == "localhost" {
        return Ok(IpAddr::from([127, 0, 0, 1]));
    }
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let listed = hosts.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut words = line.split_whitespace();
        let ip = words.next()?.parse().ok()?;
        words.any(|name| name == host).then_some(ip)
    });
    let asked = || {
        let ran = crate::run::run("getent", &["ahostsv4", host], None).ok()?;
        ran.out.split_whitespace().next()?.parse().ok()
    };
    listed.or_else(asked).ok_or_else(|| format!("dial tcp: lookup {host}: no such host"))
}

impl Client {
    /// A client of `server` (URL) that sends `token` as bearer.
    pub fn new(server: &str, tls: Arc<ClientConfig>, token: Option<String>) -> Self {
        let (host, port) = split(server);
        Self { host, port, tls, token, timeout: Duration::from_secs(10), stream: RefCell::new(None) }
    }

    /// `https://host:port`.
    pub fn base(&self) -> String {
        if self.host.contains(':') {
            format!("https://[{}]:{}", self.host, self.port)
        } else {
            format!("https://{}:{}", self.host, self.port)
        }
    }

    fn connect(&self) -> Result<Stream, String> {
        let address = SocketAddr::new(resolve(&self.host)?, self.port);
        let tcp = TcpStream::connect_timeout(&address, self.timeout).map_err(|error| match error.kind() {
            ErrorKind::ConnectionRefused => format!("dial tcp {address}: connect: connection refused"),
            ErrorKind::TimedOut => format!("dial tcp {address}: i/o timeout"),
            _ if error.raw_os_error() == Some(113) => format!("dial tcp {address}: connect: no route to host"),
            _ if error.raw_os_error() == Some(101) => format!("dial tcp {address}: connect: network is unreachable"),
            _ => format!("dial tcp {address}: {error}"),
        })?;
        let _ = tcp.set_nodelay(true);
        let _ = tcp.set_read_timeout(Some(self.timeout));
        let _ = tcp.set_write_timeout(Some(self.timeout));
        let name = rustls::pki_types::ServerName::try_from(self.host.clone()).map_err(|error| error.to_string())?;
        let session = ClientConnection::new(self.tls.clone(), name).map_err(|error| error.to_string())?;
        let mut stream = StreamOwned::new(session, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| self.io(&error))?;
        }
        Ok(BufReader::new(stream))
    }

    fn io(&self, error: &std::io::Error) -> String {
        if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return trust::wording(tls, &self.host);
        }
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                "net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)".into()
            }
            ErrorKind::UnexpectedEof => "EOF".into(),
            ErrorKind::ConnectionReset => "read: connection reset by peer".into(),
            _ => error.to_string(),
        }
    }

    fn exchange(&self, stream: &mut Stream, head: &str, body: &[u8]) -> Result<Response, String> {
        let mut bytes = head.as_bytes().to_vec();
        bytes.extend_from_slice(body);
        stream.get_mut().write_all(&bytes).map_err(|error| self.io(&error))?;
        read_response(stream).map_err(|error| self.io(&error))
    }

    /// Sends a request, again while the answer says after how many seconds to (client-go, rest/with_retry.go).
    pub fn send(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<Response, String> {
        for _ in 0..RETRIES {
            let response = self.once(method, target, kind, body)?;
            let after = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
            let after = after.and_then(|(_, seconds)| seconds.parse().ok());
            match after.filter(|_| response.status == 429 || response.status >= 500) {
                Some(seconds) => crate::clock::pause(Duration::from_secs(seconds)),
                None => return Ok(response),
            }
        }
        self.once(method, target, kind, body)
    }

    /// Sends one request; the error is Go's, `Get "https://...": dial tcp ...`.
    fn once(&self, method: &str, target: &str, kind: &str, body: &[u8]) -> Result<Response, String> {
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: {}:{}\r\nAccept: application/json\r\n", self.host, self.port);
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Type: {kind}\r\n");
        }
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        let name = format!("{}{}", &method[..1], method[1..].to_lowercase());
        let wrap = |cause: String| format!("{name} \"{}{target}\": {cause}", self.base());
        let mut kept = self.stream.borrow_mut();
        if let Some(mut stream) = kept.take()
            && let Ok(response) = self.exchange(&mut stream, &head, body)
        {
            *kept = Some(stream);
            return Ok(response);
        }
        // No connection yet, or the kept one was closed meanwhile: one fresh one.
        let mut stream = self.connect().map_err(wrap)?;
        let response = self.exchange(&mut stream, &head, body).map_err(wrap)?;
        if response.headers.iter().all(|(key, value)| key != "connection" || value != "close") {
            *kept = Some(stream);
        }
        Ok(response)
    }
}
