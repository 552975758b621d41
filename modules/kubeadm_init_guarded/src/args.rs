//! The options.

use ansible::{Kind, Opt, Spec};
use anyhow::{Context as _, ensure};
use kubeadm::config::Taint;
use kubeadm::endpoint::Endpoint;
use kubeadm::version::Version;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::time::Duration;

const STR_LIST: Kind = Kind::List(&Kind::Str);

/// What the module accepts.
pub static SPEC: Spec = Spec {
    name: "kubeadm_init_guarded",
    summary: "Make this machine the first control plane of a cluster with kubeadm, once",
    options: &[
        Opt::new(
            "control_plane_endpoint",
            Kind::Str,
            "A name or address that stays when control planes come and go, host:port. Default is this machine's address.",
        ),
        Opt::new(
            "advertise_address",
            Kind::Str,
            "The address at which the API server is reached. Default is that of the default route.",
        )
        .aliases(&["apiserver_advertise_address"]),
        Opt::new(
            "pod_network_cidr",
            Kind::Str,
            "Addresses for pods. Default is 10.244.0.0/16, or what a cluster that is there has; one that it does not have is refused.",
        ),
        Opt::new(
            "service_cidr",
            Kind::Str,
            "Addresses for services. Default is 10.96.0.0/12, or what a cluster that is there has; one that it does not have is refused.",
        ),
        Opt::new(
            "kubernetes_version",
            Kind::Str,
            "Version of the control plane, such as 1.31.2, or 1.31 for the kubeadm of that release that is installed. Default is that of kubeadm, so that nothing is asked for on the Internet. One that a cluster which is there does not have is refused.",
        ),
        Opt::new("node_name", Kind::Str, "Name of the Node. Default is the host's name in lower case."),
        Opt::new("cri_socket", Kind::Str, "Socket of the container runtime.")
            .default("\"unix:///run/containerd/containerd.sock\""),
        Opt::new("kubelet_extra_args", Kind::Dict, "Flags for the kubelet, without the leading dashes.").default("{}"),
        Opt::new(
            "node_taints",
            STR_LIST,
            "Taints of the Node, key=value:effect. Left out, kubeadm keeps pods off control planes; an empty list lets them on.",
        ),
        Opt::new("ignore_preflight_errors", STR_LIST, "Preflight checks of kubeadm whose errors become warnings.")
            .default("[]"),
        Opt::new("skip_phases", STR_LIST, "Phases of kubeadm init to leave out, such as addon/kube-proxy.")
            .default("[]"),
        Opt::new(
            "cluster_config",
            Kind::Dict,
            "Merged into the ClusterConfiguration, in the form of the kubeadm API version in use.",
        )
        .default("{}"),
        Opt::new("kubelet_config", Kind::Dict, "Merged into the KubeletConfiguration of the whole cluster.")
            .default("{}"),
        Opt::new("kube_proxy_config", Kind::Dict, "Merged into the KubeProxyConfiguration of the whole cluster.")
            .default("{}"),
        Opt::new("timeout", Kind::Int, "Seconds for everything together.").default("600"),
    ],
    rules: &[],
};

/// The options, read.
#[derive(Debug, Clone, Deserialize)]
pub struct Args {
    /// `host:port`.
    pub control_plane_endpoint: Option<String>,
    /// An IP address.
    pub advertise_address: Option<String>,
    /// One CIDR, or two with a comma.
    pub pod_network_cidr: Option<String>,
    /// One CIDR, or two with a comma.
    pub service_cidr: Option<String>,
    /// `v1.31.2`, `1.31.2`, or a label such as stable-1.31.
    pub kubernetes_version: Option<String>,
    /// The Node's name.
    pub node_name: Option<String>,
    /// `unix:///…`.
    pub cri_socket: String,
    /// Flag to value.
    pub kubelet_extra_args: Map<String, Value>,
    /// `key=value:effect`.
    pub node_taints: Option<Vec<String>>,
    /// Names of checks.
    pub ignore_preflight_errors: Vec<String>,
    /// Names of phases.
    pub skip_phases: Vec<String>,
    /// Free.
    pub cluster_config: Map<String, Value>,
    /// Free.
    pub kubelet_config: Map<String, Value>,
    /// Fields of the KubeProxyConfiguration.
    pub kube_proxy_config: Map<String, Value>,
    /// Seconds.
    pub timeout: i64,
}

impl Args {
    /// Refuses what cannot be right.
    pub fn validate(&self) -> anyhow::Result<()> {
        if let Some(text) = &self.control_plane_endpoint {
            Endpoint::parse(text).with_context(|| format!("option control_plane_endpoint is {text:?}"))?;
        }
        if let Some(text) = &self.advertise_address {
            ensure!(text.parse::<IpAddr>().is_ok(), "option advertise_address is {text:?}: it must be an IP address");
        }
        for (name, list) in [("pod_network_cidr", &self.pod_network_cidr), ("service_cidr", &self.service_cidr)] {
            let Some(list) = list else { continue };
            let good = list.split(',').all(is_cidr) && list.split(',').count() <= 2;
            ensure!(good, "option {name} is {list:?}: it must be a CIDR such as 10.244.0.0/16, or two with a comma");
        }
        if let Some(text) = &self.kubernetes_version {
            let label = text.starts_with("stable") || text.starts_with("latest");
            ensure!(
                label || Version::parse(text).is_ok(),
                "option kubernetes_version is {text:?}: it must be a version such as 1.31.2"
            );
        }
        ensure!(
            self.cri_socket.starts_with("unix:///") || self.cri_socket.starts_with('/'),
            "option cri_socket is {:?}: it must be unix:// and an absolute path",
            self.cri_socket
        );
        for text in self.node_taints.iter().flatten() {
            ensure!(
                Taint::parse(text).is_some(),
                "option node_taints has {text:?}: it must be key=value:effect with NoSchedule, PreferNoSchedule or NoExecute"
            );
        }
        ensure!(
            (30..=7200).contains(&self.timeout),
            "option timeout is {}: it must be 30 to 7200 seconds",
            self.timeout
        );
        Ok(())
    }

    /// The time for everything.
    pub fn budget(&self) -> Duration {
        Duration::from_secs(self.timeout.unsigned_abs())
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn args(given: Value) -> Args {
        let mut all = Map::new();
        for opt in SPEC.options {
            all.insert(opt.name.into(), opt.default.map_or(Value::Null, |text| serde_json::from_str(text).unwrap()));
        }
        all.extend(given.as_object().unwrap().clone());
        serde_json::from_value(Value::Object(all)).unwrap()
    }

    #[test]
    fn bad_values_are_refused_by_option_value_and_what_would_be_right() {
        for (given, words) in [
            (json!({"control_plane_endpoint": "a b"}), ["control_plane_endpoint", "a b", "host:port"]),
            (json!({"advertise_address": "cp1"}), ["advertise_address", "cp1", "IP address"]),
            (json!({"pod_network_cidr": "10.244.0.0"}), ["pod_network_cidr", "10.244.0.0", "CIDR"]),
            (json!({"service_cidr": "10.0.0.0/33"}), ["service_cidr", "10.0.0.0/33", "CIDR"]),
            (json!({"kubernetes_version": "new"}), ["kubernetes_version", "new", "1.31.2"]),
            (json!({"timeout": 1}), ["timeout", "1", "30 to 7200"]),
        ] {
            let text = format!("{:#}", args(given.clone()).validate().unwrap_err());
            assert!(words.iter().all(|word| text.contains(word)), "{given}: {text}");
        }
        args(json!({"pod_network_cidr": "10.244.0.0/16,fd00:10:244::/56"})).validate().unwrap();
    }
}
