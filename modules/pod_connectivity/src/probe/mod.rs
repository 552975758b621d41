//! The checks themselves, made with plain sockets in whatever network namespace the calling thread is in.
//!
//! No image is pulled and no program of a pod is needed: what a pod's network can do, any thread in it can.

mod dns;
mod http;
mod icmp;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub use dns::{Answer, resolve};

/// One thing to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// An echo; with a size, a whole packet of that many bytes that may not be taken apart on the way.
    Icmp {
        /// Whom.
        to: IpAddr,
        /// Bytes, IP header included.
        size: Option<u16>,
    },
    /// A connection.
    Tcp {
        /// Where to.
        to: SocketAddr,
    },
    /// A request, answered with any status below 500.
    Http {
        /// Where to.
        to: SocketAddr,
        /// The name in the Host header.
        host: String,
        /// The path with its query.
        path: String,
    },
    /// A name, asked of one server.
    Dns {
        /// The server.
        server: SocketAddr,
        /// The name.
        name: String,
    },
}

impl Probe {
    /// The address packets go to.
    pub fn address(&self) -> IpAddr {
        match self {
            Probe::Icmp { to, .. } => *to,
            Probe::Tcp { to } | Probe::Http { to, .. } => to.ip(),
            Probe::Dns { server, .. } => server.ip(),
        }
    }

    /// The name of the kind of check.
    pub fn kind(&self) -> &'static str {
        match self {
            Probe::Icmp { size: None, .. } => "icmp",
            Probe::Icmp { .. } => "icmp_mtu",
            Probe::Tcp { .. } => "tcp",
            Probe::Http { .. } => "http",
            Probe::Dns { .. } => "dns",
        }
    }

    /// Does it. The time is that of the answer.
    pub fn run(&self, timeout: Duration) -> Result<Duration, Fault> {
        let started = Instant::now();
        match self {
            Probe::Icmp { to, size } => icmp::echo(*to, size.map(usize::from), timeout),
            Probe::Tcp { to } => TcpStream::connect_timeout(to, timeout).map(drop).map_err(Fault::from),
            Probe::Http { to, host, path } => http::get(*to, host, path, timeout),
            Probe::Dns { server, name } => resolve(*server, name, timeout).map(drop),
        }?;
        Ok(started.elapsed())
    }
}

/// Why a check failed, as far as the socket tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing came back.
    Silence,
    /// The other side answered that nothing listens there.
    Refused,
    /// Somebody on the way, or our own kernel, said that there is no way.
    Unreachable(String),
    /// The packet is larger than the way can carry; the size it can, when it was told.
    TooBig(Option<u16>),
    /// The other side was reached and its answer was not the right one.
    Answer(String),
    /// Anything else.
    Other(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        const EMSGSIZE: i32 = 90;
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Fault::Silence,
            io::ErrorKind::ConnectionRefused => Fault::Refused,
            io::ErrorKind::HostUnreachable => Fault::Unreachable("Destination Host Unreachable".into()),
            io::ErrorKind::NetworkUnreachable => Fault::Unreachable("Network is unreachable".into()),
            _ if error.raw_os_error() == Some(EMSGSIZE) => Fault::TooBig(None),
            _ => Fault::Other(error.to_string()),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::Silence => f.write_str("no answer"),
            Fault::Refused => f.write_str("connection refused"),
            Fault::Unreachable(words) | Fault::Answer(words) | Fault::Other(words) => f.write_str(words),
            Fault::TooBig(Some(mtu)) => write!(f, "packet too big: the way carries {mtu} bytes"),
            Fault::TooBig(None) => f.write_str("packet too big"),
        }
    }
}
