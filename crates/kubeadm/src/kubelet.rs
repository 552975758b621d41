//! The kubelet as it runs: its unit, its command line, its health.
//!
//! Standalone mode is read from the command line: the kubelet is standalone when, and only when, it was started without
//! `--kubeconfig` (`cmd/kubelet/app/server.go`). The journal is not asked.

use crate::{gate, kubeconfig};
use host::deadline::Deadline;
use host::systemd;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long one health request may take; the kubelet is on this machine.
const HEALTHZ_LIMIT: Duration = Duration::from_secs(2);
/// What adds to its command line, the strongest first.
const FLAG_FILES: [&str; 3] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet", "/var/lib/kubelet/kubeadm-flags.env"];
/// Where it answers unless config.yaml says otherwise.
const HEALTHZ: (&str, u16) = ("127.0.0.1", 10248);

/// The kubelet's unit and process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubelet {
    /// `ActiveState` of the unit.
    pub active: String,
    /// `SubState`: running, auto-restart, dead, …
    pub sub: String,
    /// `Result` of its last run: success, exit-code, signal, start-limit-hit, …
    pub result: String,
    /// How often systemd has started it again.
    pub restarts: u32,
    /// Its process, 0 when there is none.
    pub pid: u32,
    /// The process' command line.
    pub args: Vec<String>,
}

impl Kubelet {
    /// Reads unit and process.
    pub fn observe(unit: &str, deadline: &Deadline) -> anyhow::Result<Self> {
        let properties = ["ActiveState", "SubState", "Result", "NRestarts", "MainPID"];
        let mut shown = systemd::show(unit, &properties, deadline)?;
        let mut take = |key: &str| shown.remove(key).unwrap_or_default();
        let pid = take("MainPID").parse().unwrap_or(0);
        Ok(Kubelet {
            active: take("ActiveState"),
            sub: take("SubState"),
            result: take("Result"),
            restarts: take("NRestarts").parse().unwrap_or(0),
            pid,
            args: if pid == 0 { Vec::new() } else { command_line(pid) },
        })
    }

    /// Whether its process runs.
    pub fn running(&self) -> bool {
        self.active == "active" && self.pid != 0
    }

    /// Whether it runs without API server. A process whose command line cannot be read is not called standalone.
    pub fn standalone(&self) -> bool {
        self.running() && !self.args.is_empty() && flag(&self.args, "--kubeconfig").is_none()
    }
}

/// The value of `--name=value` or `--name value`.
pub fn flag<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    args.iter().enumerate().find_map(|(index, arg)| match arg.strip_prefix(name)? {
        "" => args.get(index + 1).map(String::as_str),
        rest => rest.strip_prefix('='),
    })
}

/// What a flag of the kubelet is set to: by this command line; without one, by the files that add to it when it starts.
pub fn setting(args: &[String], name: &str) -> Option<String> {
    let given = |args: &[String]| flag(args, name).map(str::to_owned);
    let from_file = |path: &&str| given(&words(&std::fs::read_to_string(path).ok()?));
    if args.is_empty() { FLAG_FILES.iter().find_map(from_file) } else { given(args) }
}

/// What the variables of such a file hold: `KUBELET_EXTRA_ARGS=--v=2`, the same in quotes, and over several lines.
fn words(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    lines.map(value).flat_map(|value| value.split([' ', '\t', '"', '\''])).map(str::to_owned).collect()
}

/// What is behind `NAME=`; a line without goes on with the one before.
fn value(line: &str) -> &str {
    let is_name = |text: &str| text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    line.split_once('=').filter(|(name, _)| is_name(name)).map_or(line, |(_, value)| value)
}

/// The Node's name that a kubelet with this command line was given; without one what kubeadm and the packages would give
/// it. `None` means the host's name.
pub fn node_name(args: &[String]) -> Option<String> {
    setting(args, "--hostname-override")
}

/// What `/healthz` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// 200.
    Ok,
    /// Anything else, in words.
    Not(String),
}

/// Asks the kubelet's health endpoint, where its configuration says that it is.
pub fn healthz() -> Health {
    match healthz_address() {
        // Port 0 switches the endpoint off; kubeadm then skips its check too.
        Some(address) if address.port() == 0 => Health::Ok,
        Some(address) => ask(address).unwrap_or_else(|e| Health::Not(format!("{address}: {e}"))),
        None => Health::Not("healthzBindAddress in config.yaml is no address".into()),
    }
}

fn healthz_address() -> Option<SocketAddr> {
    let config = std::fs::read_to_string(gate::CONFIG).ok().and_then(|text| kubeconfig::yaml(&text).ok());
    let config = config.unwrap_or_default();
    let host = config["healthzBindAddress"].as_str().filter(|h| !h.is_empty()).unwrap_or(HEALTHZ.0);
    let host = if host == "0.0.0.0" || host == "::" { HEALTHZ.0 } else { host };
    let port = config["healthzPort"].as_u64().map_or(Some(HEALTHZ.1), |p| u16::try_from(p).ok())?;
    Some(SocketAddr::new(host.parse().ok()?, port))
}

fn ask(address: SocketAddr) -> std::io::Result<Health> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTHZ_LIMIT)?;
    stream.set_read_timeout(Some(HEALTHZ_LIMIT))?;
    stream.set_write_timeout(Some(HEALTHZ_LIMIT))?;
    stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer)?;
    let first = String::from_utf8_lossy(&answer[..length]);
    let status = first.split_whitespace().nth(1).unwrap_or("nothing");
    Ok(if status == "200" { Health::Ok } else { Health::Not(format!("{address} answers {status}")) })
}

fn command_line(pid: u32) -> Vec<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|b| *b == 0)
        .filter(|arg| !arg.is_empty())
        .map(|arg| String::from_utf8_lossy(arg).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn running(args: &[&str]) -> Kubelet {
        let args = args.iter().map(|a| (*a).to_owned()).collect();
        Kubelet { active: "active".into(), pid: 7, args, ..Kubelet::default() }
    }

    #[test]
    fn standalone_is_a_command_line_without_kubeconfig() {
        assert!(running(&["/usr/bin/kubelet"]).standalone());
        assert!(running(&["kubelet", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf"]).standalone());
        assert!(!running(&["kubelet", "--kubeconfig=/etc/kubernetes/kubelet.conf"]).standalone());
        assert!(!running(&["kubelet", "--kubeconfig", "/etc/kubernetes/kubelet.conf"]).standalone());
        assert!(!Kubelet::default().standalone());
    }

    #[test]
    fn a_flag_is_found_however_its_file_is_written() {
        for text in [
            "KUBELET_EXTRA_ARGS=--hostname-override=node-1",
            "# --hostname-override=old\nKUBELET_KUBEADM_ARGS=\"--v=2 --hostname-override=node-1\"\n",
            "KUBELET_EXTRA_ARGS='--hostname-override node-1 --v=2'",
            "KUBELET_EXTRA_ARGS=--v=2 \\\n  --hostname-override=node-1 \\\n  --x=y\n",
        ] {
            assert_eq!(flag(&words(text), "--hostname-override"), Some("node-1"), "{text}");
        }
        assert_eq!(flag(&words("KUBELET_EXTRA_ARGS=--v=2"), "--hostname-override"), None);
    }

    #[test]
    fn health_is_a_status_of_200_and_nothing_else() {
        for (status, healthy) in [("200 OK", true), ("500 Internal Server Error", false)] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 256];
                let _ = stream.read(&mut request).unwrap();
                stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok").as_bytes()).unwrap();
            });
            assert_eq!(ask(address).unwrap() == Health::Ok, healthy, "{status}");
            server.join().unwrap();
        }
    }

    #[test]
    fn nobody_listening_is_an_error_that_says_so() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(ask(address).unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    }
}
