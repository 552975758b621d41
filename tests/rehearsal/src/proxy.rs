//! kube-proxy in iptables mode: the chains of a real one, from Services and Endpoints.

use crate::hostside;
use crate::yaml::{items, text};
use crate::{clock, faults, klog};
use anyhow::Result;
use serde_json::Value;
use std::fmt::Write;
use std::process::ExitCode;
use std::time::Duration;

/// `kube-proxy FLAGS`.
pub fn main() -> ExitCode {
    crate::container::end_on_term();
    if faults::switched("no-conntrack-max") {
        klog::fatal("server.go:495", "open /proc/sys/net/netfilter/nf_conntrack_max: permission denied");
        return ExitCode::from(255);
    }
    klog::info("server_others.go:206", &format!("\"Using iptables Proxier\" ({})", crate::banner::LINE));
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            klog::error("server.go:1", &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The first 16 base32 letters of a SHA-256, as chain names carry them.
fn hash(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let bits = |at: usize| (digest.as_ref()[at / 8] >> (7 - at % 8)) & 1;
    (0..16)
        .map(|letter| (0..5).fold(0u8, |value, bit| value << 1 | bits(letter * 5 + bit)))
        .map(|value| char::from(LETTERS[usize::from(value)]))
        .collect()
}

/// The nat and filter tables' chains for the cluster.
fn rules(services: &Value, endpoints: &Value, pods: &str) -> String {
    let (mut chains, mut heads, mut bodies, mut ports) = (String::new(), String::new(), String::new(), String::new());
    let outside = if pods.is_empty() { String::new() } else { format!("! -s {pods} ") };
    for service in items(services, "/items") {
        let (namespace, name, ip) =
            (text(service, "/metadata/namespace"), text(service, "/metadata/name"), text(service, "/spec/clusterIP"));
        if ip.is_empty() || ip == "None" {
            continue;
        }
        let own = items(endpoints, "/items")
            .iter()
            .find(|object| text(object, "/metadata/namespace") == namespace && text(object, "/metadata/name") == name);
        for port in items(service, "/spec/ports") {
            let label = text(port, "/name");
            let full =
                if label.is_empty() { format!("{namespace}/{name}") } else { format!("{namespace}/{name}:{label}") };
            let protocol = port["protocol"].as_str().unwrap_or("TCP").to_lowercase();
            let backends: Vec<String> = own
                .into_iter()
                .flat_map(|object| items(object, "/subsets"))
                .flat_map(|subset| {
                    let wanted = items(subset, "/ports")
                        .iter()
                        .find(|candidate| label.is_empty() || text(candidate, "/name") == label)
                        .map(|port| port["port"].to_string())
                        .unwrap_or_default();
                    items(subset, "/addresses")
                        .iter()
                        .map(move |address| format!("{}:{wanted}", text(address, "/ip")))
                        .collect::<Vec<_>>()
                })
                .collect();
            if backends.is_empty() {
                continue;
            }
            let chain = format!("KUBE-SVC-{}", hash(&format!("{full}{protocol}")));
            let _ = writeln!(chains, ":{chain} - [0:0]");
            let _ = writeln!(
                heads,
                "-A KUBE-SERVICES -d {ip}/32 -p {protocol} -m comment --comment \"{full} cluster IP\" -m {protocol} --dport {} -j {chain}",
                port["port"]
            );
            let _ = writeln!(
                bodies,
                "-A {chain} {outside}-d {ip}/32 -p {protocol} -m comment --comment \"{full} cluster IP\" -m {protocol} --dport {} -j KUBE-MARK-MASQ",
                port["port"]
            );
            if let Some(node_port) = port["nodePort"].as_u64() {
                let _ = writeln!(
                    ports,
                    "-A KUBE-NODEPORTS -p {protocol} -m comment --comment \"{full}\" -m {protocol} --dport {node_port} -j {chain}"
                );
                let _ = writeln!(
                    bodies,
                    "-A {chain} -p {protocol} -m comment --comment \"{full}\" -m {protocol} --dport {node_port} -j KUBE-MARK-MASQ"
                );
            }
            for (index, backend) in backends.iter().enumerate() {
                let end = format!("KUBE-SEP-{}", hash(&format!("{full}{protocol}{backend}")));
                let left = backends.len() - index;
                let chance = if left > 1 {
                    format!("-m statistic --mode random --probability {:.11} ", 1.0 / left as f64)
                } else {
                    String::new()
                };
                let _ = writeln!(chains, ":{end} - [0:0]");
                let _ = writeln!(bodies, "-A {chain} -m comment --comment \"{full}\" {chance}-j {end}");
                let _ = writeln!(
                    bodies,
                    "-A {end} -s {}/32 -m comment --comment \"{full}\" -j KUBE-MARK-MASQ",
                    backend.split(':').next().unwrap_or_default()
                );
                let _ = writeln!(
                    bodies,
                    "-A {end} -p {protocol} -m comment --comment \"{full}\" -m {protocol} -j DNAT --to-destination {backend}"
                );
            }
        }
    }
    let last = "-A KUBE-SERVICES -m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS\n";
    format!(
        "*mangle\n:KUBE-PROXY-CANARY - [0:0]\nCOMMIT\n*filter\n:KUBE-PROXY-CANARY - [0:0]\n:KUBE-EXTERNAL-SERVICES - [0:0]\n:KUBE-FORWARD - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-SERVICES - [0:0]\n\
         -A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP\n\
         -A KUBE-FORWARD -m comment --comment \"kubernetes forwarding rules\" -m mark --mark 0x4000/0x4000 -j ACCEPT\n\
         -A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack pod source rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
         -A KUBE-FORWARD -m comment --comment \"kubernetes forwarding conntrack pod destination rule\" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n\
         *nat\n:KUBE-PROXY-CANARY - [0:0]\n:KUBE-SERVICES - [0:0]\n:KUBE-NODEPORTS - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]\n{chains}\
         -A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000\n-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN\n-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0\n\
         -A KUBE-POSTROUTING -m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully\n{heads}{ports}{bodies}{last}COMMIT\n"
    )
}

/// The jumps into the chains.
fn jumps() -> Result<()> {
    let new = ["-m", "conntrack", "--ctstate", "NEW"];
    let comment = |text: &'static str| ["-m", "comment", "--comment", text];
    let put = |table: &str, chain: &str, parts: &[&[&str]]| hostside::rule(table, "-I", chain, &parts.concat());
    put(
        "filter",
        "INPUT",
        &[&new, &comment("kubernetes externally-visible service portals"), &["-j", "KUBE-EXTERNAL-SERVICES"]],
    )?;
    put("filter", "INPUT", &[&comment("kubernetes health check service ports"), &["-j", "KUBE-NODEPORTS"]])?;
    put(
        "filter",
        "FORWARD",
        &[&new, &comment("kubernetes externally-visible service portals"), &["-j", "KUBE-EXTERNAL-SERVICES"]],
    )?;
    put("filter", "FORWARD", &[&new, &comment("kubernetes service portals"), &["-j", "KUBE-SERVICES"]])?;
    put("filter", "FORWARD", &[&comment("kubernetes forwarding rules"), &["-j", "KUBE-FORWARD"]])?;
    put("filter", "OUTPUT", &[&new, &comment("kubernetes service portals"), &["-j", "KUBE-SERVICES"]])?;
    put("nat", "PREROUTING", &[&comment("kubernetes service portals"), &["-j", "KUBE-SERVICES"]])?;
    put("nat", "OUTPUT", &[&comment("kubernetes service portals"), &["-j", "KUBE-SERVICES"]])?;
    put("nat", "POSTROUTING", &[&comment("kubernetes postrouting rules"), &["-j", "KUBE-POSTROUTING"]])
}

/// Flushes and deletes service chains that nothing leads to any more.
fn sweep(wanted: &str) -> Result<()> {
    let saved = hostside::run("iptables-save", &["-t", "nat"], None)?.out;
    let stale: Vec<&str> = saved
        .lines()
        .filter_map(|line| line.strip_prefix(':'))
        .filter_map(|line| line.split(' ').next())
        .filter(|chain| {
            (chain.starts_with("KUBE-SVC-") || chain.starts_with("KUBE-SEP-"))
                && !wanted.contains(&format!(":{chain} "))
        })
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    let declared: String = stale.iter().map(|chain| format!(":{chain} - [0:0]\n")).collect();
    let deleted: String = stale.iter().map(|chain| format!("-X {chain}\n")).collect();
    hostside::restore(&format!("*nat\n{declared}{deleted}COMMIT\n"))
}

fn run() -> Result<()> {
    let api = hostside::api()?;
    let conf = crate::place::read("/var/lib/kube-proxy/config.conf")
        .and_then(|content| crate::yaml::parse(&content).ok())
        .unwrap_or_default();
    let pods = text(&conf, "/clusterCIDR").to_owned();
    let mut last = String::new();
    loop {
        if let (Ok(services), Ok(endpoints)) = (api.get("/api/v1/services"), api.get("/api/v1/endpoints")) {
            let wanted = rules(&services, &endpoints, &pods);
            if wanted != last {
                hostside::restore(&wanted)?;
                jumps()?;
                sweep(&wanted)?;
                last = wanted;
            }
        }
        clock::pause(Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn chains_are_named_as_on_a_real_node() {
        assert_eq!(super::hash("default/kubernetes:httpstcp"), "NPX46M4PTMTKRN6Y");
        assert_eq!(super::hash("default/webtcp"), "LOLE4ISW44XBNF3G");
        assert_eq!(super::hash("default/webtcp10.244.0.3:8080"), "4BF5YOXF4CNSHTIN");
    }
}
