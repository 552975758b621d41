//! What kubeadm does to the kubelet: its config and flags files, stopping and starting it.

use super::config::Registration;
use super::fail::Fail;
use crate::yaml::text;
use crate::{place, run, version, yaml};
use serde_json::{Value, json};

/// The KubeletConfiguration kubeadm makes; `given` are fields from the user's own document.
pub fn kubelet_config(service_subnet: &str, domain: &str, given: &Value) -> Value {
    let dns = crate::apiserver::services::address(service_subnet, 10).map(|ip| ip.to_string()).unwrap_or_default();
    let mut config = json!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
        "authentication": {"anonymous": {"enabled": false}, "webhook": {"cacheTTL": "0s", "enabled": true}, "x509": {"clientCAFile": "/etc/kubernetes/pki/ca.crt"}},
        "authorization": {"mode": "Webhook", "webhook": {"cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"}},
        "cgroupDriver": "systemd", "clusterDNS": [dns], "clusterDomain": domain, "cpuManagerReconcilePeriod": "0s",
        "evictionPressureTransitionPeriod": "0s", "fileCheckFrequency": "0s", "healthzBindAddress": "127.0.0.1", "healthzPort": 10248,
        "httpCheckFrequency": "0s", "imageMinimumGCAge": "0s", "logging": {}, "memorySwap": {}, "nodeStatusReportFrequency": "0s",
        "nodeStatusUpdateFrequency": "0s", "rotateCertificates": true, "runtimeRequestTimeout": "0s", "shutdownGracePeriod": "0s",
        "shutdownGracePeriodCriticalPods": "0s", "staticPodPath": "/etc/kubernetes/manifests", "streamingConnectionIdleTimeout": "0s",
        "syncFrequency": "0s", "volumeStatsAggPeriod": "0s"});
    if given.is_object() {
        crate::merge::merge(&mut config, given);
    }
    config
}

/// The ConfigMap that carries the kubelet's configuration.
pub fn config_map() -> String {
    if version::at_least(24) {
        "kubelet-config".into()
    } else {
        format!("kubelet-config-1.{}", version::claimed().minor)
    }
}

/// Writes /var/lib/kubelet/config.yaml.
pub fn write_config(config: &Value) -> Result<(), Fail> {
    println!("[kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"");
    Ok(place::write("/var/lib/kubelet/config.yaml", yaml::write(config), 0o644)?)
}

/// Whether the CRI socket stands in a file of the node's own instead of a flag and an annotation (1.34 and newer).
pub fn instance_config() -> bool {
    version::at_least(34)
}

/// The configuration with the node's own part, which is also written to instance-config.yaml, where versions do that.
pub fn with_instance(config: &Value, socket: &str) -> Result<Value, Fail> {
    if !instance_config() {
        return Ok(config.clone());
    }
    let path = "/var/lib/kubelet/instance-config.yaml";
    println!("[kubelet-start] Writing kubelet configuration to file {path:?}");
    let own = json!({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "containerRuntimeEndpoint": socket});
    place::write(path, yaml::write(&own), 0o600)?;
    println!(
        "[patches] Applied patch of type \"application/strategic-merge-patch+json\" to target \"kubeletconfiguration\""
    );
    let mut whole = config.clone();
    crate::merge::merge(&mut whole, &own);
    Ok(whole)
}

/// Writes /var/lib/kubelet/kubeadm-flags.env.
pub fn write_flags(node: &Registration, taints: &[Value]) -> Result<(), Fail> {
    println!(
        "[kubelet-start] Writing kubelet environment file with flags to file \"/var/lib/kubelet/kubeadm-flags.env\""
    );
    let mut flags: Vec<(String, String)> = Vec::new();
    if !version::at_least(24) {
        flags.push(("container-runtime".into(), "remote".into()));
    }
    if !instance_config() {
        flags.push(("container-runtime-endpoint".into(), node.cri_socket.clone()));
    }
    if node.name != super::config::hostname() {
        flags.push(("hostname-override".into(), node.name.clone()));
    }
    if !version::at_least(32) {
        flags.push(("pod-infra-container-image".into(), version::pause_image()));
    }
    if !taints.is_empty() {
        let list: Vec<_> = taints
            .iter()
            .map(|taint| format!("{}={}:{}", text(taint, "/key"), text(taint, "/value"), text(taint, "/effect")))
            .collect();
        flags.push(("register-with-taints".into(), list.join(",")));
    }
    for (name, value) in &node.extra {
        flags.retain(|(known, _)| known != name);
        flags.push((name.clone(), value.clone()));
    }
    flags.sort();
    let line: Vec<_> = flags.iter().map(|(name, value)| format!("--{name}={value}")).collect();
    Ok(place::write(
        "/var/lib/kubelet/kubeadm-flags.env",
        format!("KUBELET_KUBEADM_ARGS=\"{}\"\n", line.join(" ")),
        0o644,
    )?)
}

fn exists() -> bool {
    !run::run("systemctl", &["status", "kubelet"], None)
        .map(|ran| ran.out)
        .unwrap_or_default()
        .contains("Loaded: not-found")
}

/// Stops the kubelet, without a word unless it fails.
pub fn stop_kubelet() {
    if !exists() {
        println!("[kubelet-start] couldn't detect a kubelet service, can't make sure the kubelet is running properly.");
        return;
    }
    if let Ok(ran) = run::run("systemctl", &["stop", "kubelet"], None)
        && ran.code != 0
    {
        println!("[kubelet-start] WARNING: unable to stop the kubelet service momentarily: [exit status {}]", ran.code);
    }
}

/// `systemctl daemon-reload && systemctl restart kubelet`; a failure is only told.
pub fn start_kubelet() {
    println!("[kubelet-start] Starting the kubelet");
    if !exists() {
        println!("[kubelet-start] couldn't detect a kubelet service, can't make sure the kubelet is running properly.");
    }
    let reload = run::run("systemctl", &["daemon-reload"], None).map_or(1, |ran| ran.code);
    let code = if reload == 0 {
        run::run("systemctl", &["restart", "kubelet"], None).map_or(1, |ran| ran.code)
    } else {
        reload
    };
    if code != 0 {
        println!("[kubelet-start] WARNING: unable to start the kubelet service: [exit status {code}]");
        println!("[kubelet-start] Please ensure kubelet is reloaded and running manually.");
    }
}
