//! The options, and what makes them wrong.

use crate::target::Target;
use ansible::{Kind, Opt, Spec};
use anyhow::{bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "pod_connectivity",
    summary: "Prove from inside existing pods that they reach each other, DNS and the outside",
    options: &[
        Opt::new("peers", Kind::List(&Kind::Raw), "Pods of other nodes: addresses, or the entries of RV(pods) from a run on those nodes.")
            .default("[]"),
        Opt::new("targets", Kind::List(&Kind::Str), "What every pod has to reach besides: V(tcp://10.244.0.19:8096), V(http://10.244.0.19:8096/health), V(icmp://10.244.0.19), V(dns://10.96.0.10/kubernetes.default.svc.cluster.local). Names are asked of O(dns_server).")
            .default("[]"),
        Opt::new("outside", Kind::List(&Kind::Str), "What every pod has to reach outside the cluster, written as in O(targets). V(gateway) is this node's default gateway, which answers a pod only when its address is masqueraded. What this node itself does not reach is skipped.")
            .default("[\"gateway\"]"),
        Opt::new("sources", Kind::List(&Kind::Str), "Only from these pods, as C(namespace/name). By default from at most O(max_sources) of them.")
            .default("[]"),
        Opt::new("max_sources", Kind::Int, "From how many pods of this node.").default("3"),
        Opt::new("max_targets", Kind::Int, "To how many other pods of this node, and to how many of O(peers).").default("10"),
        Opt::new("dns_server", Kind::Str, "The cluster's DNS server. Defaults to C(clusterDNS) of the kubelet's configuration; an empty value asks nobody."),
        Opt::new("dns_name", Kind::Str, "The name it is asked for. Defaults to C(kubernetes.default.svc) in the kubelet's C(clusterDomain)."),
        Opt::new("mtu", Kind::Bool, "Whether to send packets as large as a pod's link carries, too.").default("true"),
        Opt::new("temporary_sandbox", Kind::Bool, "Whether to make up to two sandboxes for the time of the checks when this node has not two pods. Nothing is pulled; never in check mode.")
            .default("true"),
        Opt::new("fail", Kind::Bool, "Whether a check that fails fails the task.").default("true"),
        Opt::new("check_timeout", Kind::Float, "How long one check may take, in seconds.").default("2"),
        Opt::new("timeout", Kind::Int, "How long everything may take altogether, in seconds.").default("120"),
        Opt::new("socket", Kind::Str, "The container runtime's socket.").default("\"unix:///run/containerd/containerd.sock\""),
    ],
    rules: &[],
};

/// The options, checked.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    peers: Vec<Value>,
    targets: Vec<String>,
    outside: Vec<String>,
    /// Names of pods; empty for any.
    pub sources: Vec<String>,
    /// At most so many sources.
    pub max_sources: usize,
    /// At most so many targets of a kind.
    pub max_targets: usize,
    /// The DNS server; nothing for the kubelet's.
    pub dns_server: Option<String>,
    /// The name to ask for; nothing for the cluster's own.
    pub dns_name: Option<String>,
    /// Whether to send large packets.
    pub mtu: bool,
    /// Whether sandboxes may be made.
    pub temporary_sandbox: bool,
    /// Whether a failed check fails the task.
    pub fail: bool,
    check_timeout: f64,
    /// Seconds altogether.
    pub timeout: u64,
    /// The runtime's socket.
    pub socket: String,
}

/// A pod of another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// `namespace/name`, or the address when that is all there is.
    pub name: String,
    /// Its node's name; may be empty.
    pub node: String,
    /// Its address.
    pub ip: IpAddr,
}

impl Args {
    /// Refuses what cannot be right; an error names the option, its value and what would be.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.peers()?;
        self.targets()?;
        self.outside()?;
        ensure!(
            self.check_timeout > 0.0 && self.check_timeout <= 60.0,
            "option check_timeout is {}: use seconds between 0 and 60, such as 2",
            self.check_timeout
        );
        ensure!(self.timeout > 0, "option timeout is 0: use a number of seconds, such as 120");
        ensure!(self.max_sources > 0, "option max_sources is 0: use at least 1");
        if let Some(server) = self.dns_server.as_deref().filter(|server| !server.is_empty()) {
            ensure!(
                server.parse::<IpAddr>().is_ok(),
                "option dns_server is {server:?}: use an address, such as 10.96.0.10"
            );
        }
        Ok(())
    }

    /// How long one check may take.
    pub fn check_timeout(&self) -> Duration {
        Duration::from_secs_f64(self.check_timeout)
    }

    /// The pods of other nodes.
    pub fn peers(&self) -> anyhow::Result<Vec<Peer>> {
        self.peers.iter().map(peer).collect()
    }

    /// What every pod has to reach.
    pub fn targets(&self) -> anyhow::Result<Vec<Target>> {
        self.targets.iter().map(|text| Target::parse("targets", text)).collect()
    }

    /// What every pod has to reach outside, but for the gateway.
    pub fn outside(&self) -> anyhow::Result<Vec<Target>> {
        let named = self.outside.iter().filter(|text| *text != "gateway");
        named.map(|text| Target::parse("outside", text)).collect()
    }

    /// Whether the gateway is to be reached.
    pub fn wants_gateway(&self) -> bool {
        self.outside.iter().any(|text| text == "gateway")
    }
}

fn peer(value: &Value) -> anyhow::Result<Peer> {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let ip = value.as_str().map_or_else(|| text("ip"), str::to_owned);
    let Ok(address) = ip.parse() else {
        bail!(
            "option peers holds {value}: use an address such as 10.244.1.5, or an entry of pods with ip, name and node"
        )
    };
    let name = Some(text("name")).filter(|name| !name.is_empty()).unwrap_or(ip);
    Ok(Peer { name, node: text("node"), ip: address })
}
