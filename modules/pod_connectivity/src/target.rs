//! A target as the user writes it: `tcp://10.244.0.19:8096`.

use anyhow::bail;
use std::net::IpAddr;

/// What to reach, not yet resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As written.
    pub text: String,
    /// How.
    pub how: How,
    /// An address or a name.
    pub host: String,
    /// The port; 0 where there is none.
    pub port: u16,
}

/// The way of reaching it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// An echo.
    Icmp,
    /// A connection.
    Tcp,
    /// A request for this path.
    Http(String),
    /// A question for this name.
    Dns(String),
}

impl Target {
    /// Reads `icmp://`, `tcp://`, `http://`, `https://` (a connection: TLS is the server's business) or `dns://`.
    pub fn parse(option: &str, text: &str) -> anyhow::Result<Self> {
        let wrong = "use tcp://10.244.0.19:8096, http://10.244.0.19:8096/, icmp://10.244.0.19 or dns://10.96.0.10/name";
        let Some((scheme, rest)) = text.split_once("://") else { bail!("option {option} holds {text:?}: {wrong}") };
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let Some((host, port)) = host_and_port(authority) else { bail!("option {option} holds {text:?}: {wrong}") };
        let (how, default) = match scheme {
            "icmp" if port.is_none() => (How::Icmp, Some(0)),
            "tcp" => (How::Tcp, None),
            "https" => (How::Tcp, Some(443)),
            "http" => (How::Http(format!("/{path}")), Some(80)),
            "dns" if !path.is_empty() => (How::Dns(path.to_owned()), Some(53)),
            _ => bail!("option {option} holds {text:?}: {wrong}"),
        };
        let Some(port) = port.or(default) else { bail!("option {option} holds {text:?}: it needs a port; {wrong}") };
        if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            bail!("option {option} holds {text:?}: a path has no blanks; {wrong}");
        }
        Ok(Self { text: text.to_owned(), how, host, port })
    }

    /// The address, when it is one and not a name.
    pub fn ip(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    if authority.parse::<std::net::Ipv6Addr>().is_ok() {
        return Some((authority.to_owned(), None));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (
                host,
                rest.strip_prefix(':')
                    .or(rest.is_empty().then_some(""))
                    .filter(|p| !p.is_empty() || rest.is_empty())?,
            )
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
    if host.is_empty() || !host.chars().all(plain) || authority.ends_with(':') {
        return None;
    }
    let port = if port.is_empty() { None } else { Some(port.parse::<u16>().ok().filter(|port| *port > 0)?) };
    Some((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_with_their_default_ports() {
        let read = |text: &str| Target::parse("targets", text).map(|t| (t.how, t.host, t.port)).unwrap();
        assert_eq!(read("tcp://10.244.0.19:8096"), (How::Tcp, "10.244.0.19".into(), 8096));
        assert_eq!(
            read("http://10.244.0.19:8096/web/x?y=1"),
            (How::Http("/web/x?y=1".into()), "10.244.0.19".into(), 8096)
        );
        assert_eq!(read("https://repo.example.org/a.json"), (How::Tcp, "repo.example.org".into(), 443));
        assert_eq!(read("icmp://fd00::1").2, 0);
        assert_eq!(read("http://[fd00::1]"), (How::Http("/".into()), "fd00::1".into(), 80));
        assert_eq!(read("tcp://[fd00::1]:99").2, 99);
        assert_eq!(
            read("dns://10.96.0.10/kubernetes.default"),
            (How::Dns("kubernetes.default".into()), "10.96.0.10".into(), 53)
        );
    }

    #[test]
    fn what_is_no_target_says_what_would_be() {
        for wrong in [
            "",
            "10.1.1.1",
            "tcp://10.1.1.1",
            "tcp://:80",
            "tcp://a:0",
            "tcp://a:99999",
            "icmp://a:1",
            "ftp://a",
            "dns://10.96.0.10",
            "http://a b/",
            "http://a/x y",
            "tcp://a:",
        ] {
            let error = Target::parse("targets", wrong).unwrap_err().to_string();
            assert!(error.contains("targets") && error.contains("tcp://10.244.0.19:8096"), "{wrong}: {error}");
        }
    }
}
