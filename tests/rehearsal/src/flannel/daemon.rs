//! flanneld with the vxlan backend and the Kubernetes subnet manager: subnet.env, link, peers, firewall chains.

use super::links::{self, Peer};
use super::rules;
use crate::hostside;
use crate::yaml::{items, text};
use crate::{clock, faults, klog, place};
use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

const NET_CONF: &str = "/etc/kube-flannel/net-conf.json";
const SUBNET_ENV: &str = "/run/flannel/subnet.env";
const NOTE: &str = "flannel.alpha.coreos.com";

/// `flanneld FLAGS`.
pub fn main(args: &[String]) -> ExitCode {
    crate::container::end_on_term();
    klog::info("main.go:212", &format!("CLI flags config: {args:?} ({})", crate::banner::LINE));
    let Err(error) = run(args) else { return ExitCode::SUCCESS };
    klog::error("main.go:293", &format!("{error:#}"));
    ExitCode::FAILURE
}

fn run(args: &[String]) -> Result<()> {
    let bridge = "/proc/sys/net/bridge/bridge-nf-call-iptables";
    if !std::path::Path::new(bridge).exists() || faults::switched("no-br-netfilter") {
        bail!("Failed to check br_netfilter: stat {bridge}: no such file or directory");
    }
    let conf: Value = serde_json::from_str(
        &place::read(NET_CONF)
            .with_context(|| format!("failed to read net conf: open {NET_CONF}: no such file or directory"))?,
    )
    .context("error parsing subnet config")?;
    let backend = Some(text(&conf, "/Backend/Type")).filter(|kind| !kind.is_empty()).unwrap_or("udp");
    if backend != "vxlan" {
        bail!("the rehearsal's flannel has the backend vxlan only, not {backend:?}");
    }
    let (vni, port) = (
        conf["Backend"]["VNI"].as_u64().unwrap_or(1),
        conf["Backend"]["Port"].as_u64().filter(|port| *port != 0).unwrap_or(8472),
    );
    let network = text(&conf, "/Network").to_owned();
    let api = hostside::api()?;
    let name = hostside::node(&api).map_err(|error| anyhow!("Failed to create SubnetManager: {error:#}"))?;
    let target = format!("/api/v1/nodes/{name}");
    let node = api
        .get(&target)
        .map_err(|error| anyhow!("Failed to create SubnetManager: error retrieving pod spec: {error}"))?;
    let subnet = text(&node, "/spec/podCIDR").to_owned();
    if subnet.is_empty() {
        bail!("Error fetching subnet config: failed to acquire lease: node {name:?} pod cidr not assigned");
    }
    let outside = links::outside()?;
    klog::info("match.go:259", &format!("Using interface with name {} and address {}", outside.name, outside.address));
    let mac = links::vxlan(&outside, vni, port, &subnet)?;
    let notes = json!({format!("{NOTE}/backend-data"): json!({"VNI": vni, "VtepMAC": mac}).to_string(), format!("{NOTE}/backend-type"): "vxlan",
        format!("{NOTE}/kube-subnet-manager"): "true", format!("{NOTE}/public-ip"): outside.address});
    // Its role may write the Node's status only.
    api.call(
        "PATCH",
        &format!("{target}/status"),
        "application/merge-patch+json",
        Some(&json!({"metadata": {"annotations": notes}})),
    )
    .map_err(|error| anyhow!("{error}"))?;
    let masq = args.iter().any(|arg| arg == "--ip-masq" || arg == "--ip-masq=true");
    rules::set(&network, &subnet, masq)?;
    let gateway = crate::apiserver::services::address(&subnet, 1).map(|ip| ip.to_string()).unwrap_or_default();
    let bits = subnet.split('/').nth(1).unwrap_or("24");
    let env = format!(
        "FLANNEL_NETWORK={network}\nFLANNEL_SUBNET={gateway}/{bits}\nFLANNEL_MTU={}\nFLANNEL_IPMASQ={masq}\n",
        outside.mtu - 50
    );
    if !faults::switched("no-subnet-env") {
        place::replace(SUBNET_ENV, env, 0o644)?;
        klog::info("main.go:396", &format!("Wrote subnet file to {SUBNET_ENV}"));
    }
    answer_probes(args)?;
    klog::info("main.go:400", "Running backend.");
    follow(&api, &name, &format!("flannel.{vni}"), vni)
}

/// `/healthz` and `/readyz` on `--healthz-port`: by now the rules and the subnet file are there.
fn answer_probes(args: &[String]) -> Result<()> {
    let port: u16 = args.iter().find_map(|arg| arg.strip_prefix("--healthz-port=")?.parse().ok()).unwrap_or(0);
    if port != 0 {
        crate::container::listen(port).with_context(|| format!("Start healthz server error: listen on port {port}"))?;
    }
    Ok(())
}

/// The other nodes, as their annotations tell.
fn peers(nodes: &Value, own: &str, vni: u64) -> Vec<Peer> {
    let peer = |node: &Value| {
        let note = |name: &str| node["metadata"]["annotations"][format!("{NOTE}/{name}")].as_str().map(str::to_owned);
        let data: Value = serde_json::from_str(&note("backend-data")?).ok()?;
        let same = data["VNI"] == vni || data["VNI"].is_null();
        let subnet = text(node, "/spec/podCIDR").to_owned();
        (same && text(node, "/metadata/name") != own && !subnet.is_empty()).then_some(Peer {
            subnet,
            address: note("public-ip")?,
            mac: data["VtepMAC"].as_str()?.to_owned(),
        })
    };
    items(nodes, "/items").iter().filter_map(peer).collect()
}

fn follow(api: &crate::net::api::Api, own: &str, link: &str, vni: u64) -> Result<()> {
    let mut known: Vec<Peer> = Vec::new();
    loop {
        if let Ok(nodes) = api.get("/api/v1/nodes") {
            let wanted = peers(&nodes, own, vni);
            for gone in known.iter().filter(|peer| !wanted.contains(peer)) {
                gone.remove(link);
            }
            for new in wanted.iter().filter(|peer| !known.contains(peer)) {
                new.add(link)?;
            }
            known = wanted;
        }
        clock::pause(Duration::from_secs(1));
    }
}
