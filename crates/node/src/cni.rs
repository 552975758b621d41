//! Whether the network that a CNI configuration is of runs on this node.
//!
//! A runtime takes the first file by name. The file of a network that was removed, or has not come, shadows the one that
//! runs, and every pod fails with its plugin's words.

mod bridged;
pub mod records;
mod substitute;

pub use bridged::{Bridged, bridged};
pub use substitute::{comes_with_flannel, substitute};

use crate::placeholder::is_placeholder;
use host::cni::{Conf, Network};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Why a network does not work here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// What is not there, as half a sentence after the file's name.
    pub why: String,
    /// A file that the configuration itself names is not there: none of its pods can start. Otherwise it is only its agent
    /// that does not run, which may be about to start.
    pub certain: bool,
}

/// A network whose plugin needs an agent on the node, and what shows that it runs.
struct Agent {
    /// The plugins that need it.
    plugins: &'static [&'static str],
    /// How the names of its processes begin (/proc/PID/comm, which ends after 15 characters).
    processes: &'static [&'static str],
    /// The socket it listens on, which goes with the next boot at the latest.
    socket: Option<&'static str>,
}

/// Sources: each project's own plugin, which dials or reads what is named here before it does anything else.
const AGENTS: [Agent; 8] = [
    // cni-plugin/pkg/k8s: it asks the API server itself, but only calico-node routes what it makes.
    Agent { plugins: &["calico", "calico-ipam"], processes: &["calico-node", "calico", "felix"], socket: None },
    Agent { plugins: &["cilium-cni"], processes: &["cilium-agent"], socket: Some("/var/run/cilium/cilium.sock") },
    Agent { plugins: &["antrea"], processes: &["antrea-agent"], socket: Some("/var/run/antrea/cni.sock") },
    Agent { plugins: &["weave-net", "weave-ipam"], processes: &["weaver"], socket: None },
    Agent { plugins: &["multus-shim"], processes: &["multus-daemon"], socket: Some("/run/multus/multus.sock") },
    Agent {
        plugins: &["kube-ovn"],
        processes: &["kube-ovn-daemon"],
        socket: Some("/run/openvswitch/kube-ovn-daemon.sock"),
    },
    Agent {
        plugins: &["ovn-k8s-cni-overlay"],
        processes: &["ovnkube"],
        socket: Some("/var/run/ovn-kubernetes/cni/ovn-cni-server.sock"),
    },
    Agent { plugins: &["aws-cni"], processes: &["aws-k8s-agent"], socket: None },
];

/// What runs on this machine, as far as it tells which networks do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Running {
    /// Names of processes (/proc/PID/comm), those in containers included.
    pub processes: Vec<String>,
}

impl Running {
    /// Reads /proc.
    pub fn observe() -> Self {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|b| b.is_ascii_digit()));
        // One that has ended meanwhile does not run.
        let names = numbers.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok());
        Running { processes: names.map(|name| name.trim_end().to_owned()).collect() }
    }

    /// Whether a program of this name runs.
    pub(crate) fn runs(&self, name: &str) -> bool {
        self.processes.iter().any(|process| process.starts_with(name))
    }
}

/// Whose network it is, in words, if it is one that is not for pods: by the names that podman (containers/common,
/// libnetwork/cni), nerdctl (pkg/netutil) and containerd's sample (script/setup/install-cni) give.
pub fn made_by(network: &Network) -> Option<&'static str> {
    let bridges = || network.plugins.iter().filter_map(|plugin| plugin.get("bridge")?.as_str());
    let numbered = |prefix: &str| {
        let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        bridges().any(|bridge| bridge.strip_prefix(prefix).is_some_and(number))
    };
    match network.name.as_str() {
        "podman" => Some("podman's network"),
        "containerd-net" => Some("containerd's own sample"),
        _ if numbered("cni-podman") => Some("podman's network"),
        _ if numbered("nerdctl") => Some("nerdctl's network"),
        _ => None,
    }
}

/// The programs that networks with these plugins need on the node.
pub(crate) fn agents(types: &[&str]) -> impl Iterator<Item = &'static &'static str> {
    let of_types = AGENTS.iter().filter(move |agent| agent.plugins.iter().any(|plugin| types.contains(plugin)));
    of_types.flat_map(|agent| agent.processes)
}

/// Why the network does not work on this node; none when nothing speaks against it. What is said of flannel is not said
/// here: its subnet file has a finding of its own.
pub fn dead(network: &Network, running: &Running) -> Option<Dead> {
    dead_where(network, running, &|path| path.exists())
}

/// A network for pods that may work here: only what is certain takes it out, an agent that does not run may be starting.
pub fn is_real(conf: &Conf, running: &Running) -> bool {
    let works = |network: &Network| !dead(network, running).is_some_and(|dead| dead.certain);
    conf.network.as_ref().is_ok_and(|n| !n.is_loopback_only() && !is_placeholder(n) && made_by(n).is_none() && works(n))
}

fn dead_where(network: &Network, running: &Running, there: &dyn Fn(&Path) -> bool) -> Option<Dead> {
    let mut named = Vec::new();
    network
        .plugins
        .iter()
        .for_each(|plugin| plugin.iter().for_each(|(key, value)| kubeconfigs(key, value, &mut named)));
    if let Some(path) = named.iter().find(|path| !there(path)) {
        return Some(Dead {
            why: format!("the kubeconfig that it names, {}, is not there", path.display()),
            certain: true,
        });
    }
    let types = network.types();
    let agent = AGENTS.iter().find(|agent| agent.plugins.iter().any(|plugin| types.contains(plugin)))?;
    if agent.processes.iter().any(|name| running.runs(name)) {
        return None;
    }
    let socket = agent.socket.filter(|path| !there(Path::new(path)));
    let socket = socket.map(|path| format!(", and {path} is not there")).unwrap_or_default();
    Some(Dead { why: format!("{} does not run on this node{socket}", agent.processes[0]), certain: false })
}

/// `kubeconfig` at any depth: Calico has it in `kubernetes`, Multus and kube-router at the top.
fn kubeconfigs(key: &str, value: &Value, named: &mut Vec<PathBuf>) {
    match value {
        Value::String(path) if key.eq_ignore_ascii_case("kubeconfig") && path.starts_with('/') => {
            named.push(path.into())
        }
        Value::Object(fields) => fields.iter().for_each(|(key, value)| kubeconfigs(key, value, named)),
        Value::Array(items) => items.iter().for_each(|item| kubeconfigs(key, item, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::cni::parse;

    const CALICO: &str = r#"{"name":"k8s-pod-network","cniVersion":"0.3.1","plugins":[{"type":"calico","ipam":{"type":"calico-ipam"},
        "kubernetes":{"kubeconfig":"/etc/cni/net.d/calico-kubeconfig"}},{"type":"portmap"}]}"#;

    fn look(conf: &str, processes: &[&str], files: &[&str]) -> Option<(String, bool)> {
        let running = Running { processes: processes.iter().map(|name| (*name).to_owned()).collect() };
        let there = |path: &Path| files.iter().any(|file| Path::new(file) == path);
        dead_where(&parse(conf.as_bytes(), true).unwrap(), &running, &there).map(|dead| (dead.why, dead.certain))
    }

    #[test]
    fn a_network_without_its_kubeconfig_or_its_agent_does_not_work() {
        let conf = "/etc/cni/net.d/calico-kubeconfig";
        assert_eq!(look(CALICO, &["calico-node"], &[conf]), None);
        let (why, certain) = look(CALICO, &["calico-node"], &[]).unwrap();
        assert_eq!(
            (why.as_str(), certain),
            ("the kubeconfig that it names, /etc/cni/net.d/calico-kubeconfig, is not there", true)
        );
        let (why, certain) = look(CALICO, &["systemd"], &[conf]).unwrap();
        assert_eq!((why.as_str(), certain), ("calico-node does not run on this node", false));
        let cilium = r#"{"name":"cilium","plugins":[{"type":"cilium-cni"}]}"#;
        let (why, _) = look(cilium, &[], &[]).unwrap();
        assert!(why.contains("cilium-agent does not run") && why.contains("cilium.sock is not there"), "{why}");
        assert_eq!(look(cilium, &["cilium-agent"], &[]), None);
        let multus =
            r#"{"name":"m","plugins":[{"type":"multus","kubeconfig":"/etc/cni/net.d/multus.d/multus.kubeconfig"}]}"#;
        assert!(look(multus, &[], &[]).unwrap().1);
    }

    #[test]
    fn a_network_that_needs_no_agent_is_not_called_dead() {
        for conf in [
            r#"{"name":"cbr0","plugins":[{"type":"flannel","delegate":{}},{"type":"portmap"}]}"#,
            r#"{"name":"cni0","plugins":[{"type":"bridge","ipam":{"type":"host-local","subnet":"10.244.0.0/16"}}]}"#,
            r#"{"name":"mine","plugins":[{"type":"macvlan","master":"eth0"}]}"#,
        ] {
            assert_eq!(look(conf, &[], &[]), None, "{conf}");
        }
    }
}
