//! The kubelet's command line and configuration file.

use crate::yaml::{items, text};
use crate::{clock, faults, klog, place, version, yaml};
use serde_json::Value;

/// What the kubelet was told.
pub struct Settings {
    /// kubeconfig; empty means standalone
    pub kubeconfig: String,
    /// kubeconfig for the TLS bootstrap
    pub bootstrap: String,
    /// Node name
    pub node: String,
    /// CRI socket
    pub socket: String,
    /// KubeletConfiguration
    pub config: Value,
    /// taints to register with
    pub taints: Vec<Value>,
    /// labels to register with
    pub labels: Vec<(String, String)>,
    /// address, empty for the default route's
    pub address: String,
}

/// The last value of `--name=value` or `--name value`.
fn flag(args: &[String], name: &str) -> Option<String> {
    let long = format!("--{name}");
    args.iter().enumerate().rev().find_map(|(at, arg)| {
        if *arg == long {
            return args.get(at + 1).cloned();
        }
        arg.strip_prefix(&long).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned)
    })
}

/// Reads flags and configuration; the error is the line for the journal.
pub fn read(args: &[String]) -> Result<Settings, ()> {
    let get = |name: &str| flag(args, name).unwrap_or_default();
    for gone in ["container-runtime", "network-plugin", "cni-bin-dir", "cni-conf-dir"] {
        let since = if gone == "container-runtime" { 27 } else { 24 };
        if version::at_least(since) && flag(args, gone).is_some() {
            klog::error(
                "run.go:74",
                &format!("\"command failed\" err=\"failed to parse kubelet flag: unknown flag: --{gone}\""),
            );
            return Err(());
        }
    }
    let path = get("config");
    let config = if path.is_empty() { Value::Null } else { load(&path)? };
    let hostname = place::read("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_lowercase();
    let node = Some(get("hostname-override")).filter(|name| !name.is_empty()).unwrap_or(hostname).to_lowercase();
    let (tainted, labelled) = (get("register-with-taints"), get("node-labels"));
    let taints = tainted.split(',').filter_map(|taint| {
        let (rest, effect) = taint.rsplit_once(':')?;
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let mut taint = serde_json::json!({"key": key, "effect": effect});
        if !value.is_empty() {
            taint["value"] = value.into();
        }
        Some(taint)
    });
    let labels = labelled
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .collect();
    let socket = [
        get("container-runtime-endpoint"),
        text(&config, "/containerRuntimeEndpoint").to_owned(),
        "unix:///run/containerd/containerd.sock".into(),
    ];
    Ok(Settings {
        kubeconfig: get("kubeconfig"),
        bootstrap: get("bootstrap-kubeconfig"),
        node,
        socket: socket.into_iter().find(|text| !text.is_empty()).unwrap_or_default(),
        taints: taints.collect(),
        labels,
        address: get("node-ip"),
        config,
    })
}

fn load(path: &str) -> Result<Value, ()> {
    let cause = match std::fs::read_to_string(path) {
        Ok(content) => match yaml::parse(&content) {
            Ok(config) if text(&config, "/kind") == "KubeletConfiguration" => return Ok(config),
            Ok(_) => format!("failed to decode: Object 'Kind' is missing in {:?}", &content[..content.len().min(60)]),
            Err(error) => format!("failed to decode: {error:#}"),
        },
        Err(_) => {
            format!("failed to read kubelet config file \\\"{path}\\\", error: open {path}: no such file or directory")
        }
    };
    let cause = format!("failed to load Kubelet config file {path}, error {cause}");
    if version::at_least(25) {
        klog::error(
            "run.go:74",
            &format!("\"command failed\" err=\"failed to load kubelet config file, path: {path}, error: {cause}\""),
        );
    } else {
        klog::error(
            "server.go:206",
            &format!("\"Failed to load kubelet config file\" err=\"{cause}\" path=\"{path}\""),
        );
    }
    Err(())
}

impl Settings {
    /// Whether the kubelet runs without an API server.
    pub fn standalone(&self) -> bool {
        self.kubeconfig.is_empty() || faults::switched("standalone")
    }

    /// Where static pods are, empty for nowhere.
    pub fn manifests(&self) -> &str {
        text(&self.config, "/staticPodPath")
    }

    /// Whether cgroups are named the systemd way.
    pub fn systemd_cgroups(&self) -> bool {
        text(&self.config, "/cgroupDriver") != "cgroupfs"
    }

    /// Addresses of the cluster's DNS.
    pub fn dns(&self) -> Vec<String> {
        items(&self.config, "/clusterDNS").iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// How often the Node's status is renewed.
    pub fn status_every(&self) -> std::time::Duration {
        clock::duration(text(&self.config, "/nodeStatusUpdateFrequency"))
            .filter(|span| !span.is_zero())
            .unwrap_or(std::time::Duration::from_secs(10))
    }
}
