//! IPVS services of kube-proxy: read from /proc, removed through `ipvsadm`.
//!
//! A service is kube-proxy's when its address is one of `kube-ipvs0`, where kube-proxy binds every service address
//! (kubernetes, pkg/proxy/ipvs), or when all its real servers are pods, as with a NodePort. A load balancer that the
//! administrator (or keepalived) made is neither. A service by firewall mark is never kube-proxy's.
//!
//! Without `ipvsadm` nothing is removed and the caller is told what is left: kube-proxy brings its own netlink client,
//! so the program is often missing on a node.

use std::fmt;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context as _, Result};

use host::cidr::Cidr;
use host::deadline::Deadline;
use host::process::{Program, find};

/// thread-self: /proc/net is that of the process's first thread, which may be in another network namespace.
const TABLE: &str = "/proc/thread-self/net/ip_vs";

/// One virtual service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it sends connections.
    pub servers: Vec<SocketAddr>,
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.protocol, self.address)
    }
}

/// All services but those by firewall mark; none when the kernel has no IPVS.
pub fn list() -> Result<Vec<Service>> {
    match std::fs::read_to_string(TABLE) {
        Ok(text) => Ok(parse(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("reading {TABLE}")),
    }
}

/// Which services are kube-proxy's. `bound` are the addresses of kube-ipvs0.
pub fn owned(services: &[Service], bound: &[IpAddr], pod_networks: &[Cidr]) -> Vec<Service> {
    let is_pod = |server: &SocketAddr| pod_networks.iter().any(|network| network.contains(server.ip()));
    let is_owned = |service: &&Service| {
        bound.contains(&service.address.ip()) || !service.servers.is_empty() && service.servers.iter().all(is_pod)
    };
    services.iter().filter(is_owned).cloned().collect()
}

/// Remove services; returns those that are left because `ipvsadm` is not installed.
pub fn remove(services: &[Service], deadline: &Deadline) -> Result<Vec<Service>> {
    if services.is_empty() {
        return Ok(Vec::new());
    }
    let Some(ipvsadm) = find("ipvsadm") else { return Ok(services.to_vec()) };
    let script: String = services.iter().filter_map(delete_line).collect();
    Program::new(ipvsadm)
        .args(["-R"])
        .stdin(script)
        .run(deadline)?
        .success()
        .context("removing kube-proxy's IPVS services")?;
    let left = list()?;
    Ok(services.iter().filter(|service| left.iter().any(|l| l.address == service.address)).cloned().collect())
}

fn delete_line(service: &Service) -> Option<String> {
    let option = match service.protocol.as_str() {
        "TCP" => "-t",
        "UDP" => "-u",
        "SCTP" => "--sctp-service",
        _ => return None,
    };
    Some(format!("-D {option} {}\n", service.address))
}

/// `TCP  0A600001:0050 rr` begins a service, `  -> 0AF40003:1F90 Masq 1 0 0` is a server of it (kernel, ip_vs_ctl.c).
fn parse(text: &str) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        match (first, socket(second)) {
            ("->", Some(server)) if open => {
                services.iter_mut().next_back().into_iter().for_each(|s| s.servers.push(server))
            }
            ("->", _) => {}
            ("TCP" | "UDP" | "SCTP", Some(address)) => {
                open = true;
                services.push(Service { protocol: first.to_owned(), address, servers: Vec::new() });
            }
            // The servers that follow belong to a service by firewall mark, or to a header.
            _ => open = false,
        }
    }
    services
}

/// `0A600001:0050`, `[2001:0db8:0000:0000:0000:0000:0000:0001]:0050`.
fn socket(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let ip = match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None if address.len() == 8 => IpAddr::V4(Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?)),
        None => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr
  -> 0A580012:192B      Masq    1      0          0
TCP  C0A80105:7580 rr
  -> 0AF40003:1F90      Masq    1      0          0
FWM  00000007 rr
  -> 0AF40003:1F90      Masq    1      0          0
UDP  [fd00:0000:0000:0000:0000:0000:0000:0001]:0035 rr
TCP  C0A80106:0050 wlc persistent 360
  -> C0A80107:0050      Route   1      0          0
";

    #[test]
    fn only_services_at_bound_addresses_or_to_pods_are_kube_proxys() {
        let services = parse(TABLE);
        assert_eq!(services.len(), 4, "{services:?}");
        let bound = ["10.96.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        let owned = owned(&services, &bound, &["10.244.0.0/16".parse().unwrap()]);
        let script: String = owned.iter().filter_map(delete_line).collect();
        assert_eq!(script, "-D -t 10.96.0.1:443\n-D -t 192.168.1.5:30080\n-D -u [fd00::1]:53\n");
    }

    #[test]
    fn a_kernel_without_ipvs_has_no_services() {
        assert!(std::path::Path::new(super::TABLE).exists() || list().unwrap().is_empty());
    }
}
