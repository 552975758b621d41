//! What a conf says of whose network it is.
#![allow(clippy::disallowed_methods, reason = "a test's own files and programs")]

use super::*;
use serde_json::json;

fn network(conf: Value) -> Network {
    cni::parse(conf.to_string().as_bytes(), true).unwrap()
}

#[test]
fn networks_of_podman_and_nerdctl_are_told_from_those_of_kubernetes() {
    let foreign = |conf: Value| is_made_by_others(conf["name"].as_str().unwrap(), &conf);
    assert!(foreign(json!({"name": "podman", "plugins": [{"type": "bridge", "bridge": "cni-podman0"}]})));
    assert!(foreign(json!({"name": "mine", "plugins": [{"type": "bridge", "bridge": "cni-podman3"}]})));
    assert!(foreign(
        json!({"name": "bridge", "nerdctlID": "x", "plugins": [{"type": "bridge", "bridge": "nerdctl0"}]})
    ));
    assert!(!foreign(json!({"name": "cni0", "plugins": [{"type": "bridge", "bridge": "cni0"}]})));
    assert!(!foreign(json!({"name": "cbr0", "plugins": [{"type": "flannel"}]})));
    assert!(!foreign(json!({"name": "x", "type": "bridge", "bridge": "cni-podman"})));
}

#[test]
fn a_lan_is_no_pod_network_and_bridges_have_names() {
    let ipam = json!({"type": "host-local", "subnet": "10.9.0.0/16"});
    let lan = network(json!({"name": "lan", "plugins": [{"type": "macvlan", "master": "eth0", "ipam": ipam}]}));
    assert!(subnets(&lan).is_empty() && bridges(&lan).is_empty());
    let pods = network(json!({"name": "p", "plugins": [{"type": "bridge", "bridge": "pods0", "ipam": ipam}]}));
    assert_eq!(subnets(&pods), ["10.9.0.0/16".parse().unwrap()]);
    assert_eq!(bridges(&pods), ["pods0"]);
    assert_eq!(bridges(&network(json!({"name": "p", "plugins": [{"type": "flannel"}]}))), ["cni0"]);
    assert!(bridges(&network(json!({"name": "p", "plugins": [{"type": "ptp", "ipam": ipam}]}))).is_empty());
}

#[test]
fn a_cached_result_says_its_network_its_pod_and_its_namespace() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("k8s-pod-network-1f2e-eth0");
    let text = json!({"kind": "cniCacheV1", "networkName": "k8s-pod-network", "cniArgs": [["K8S_POD_NAME", "a"]],
        "result": {"interfaces": [{"name": "veth1"}, {"name": "eth0", "sandbox": "/var/run/netns/cni-1"}]}});
    std::fs::write(&path, text.to_string()).unwrap();
    let read = entry(path.clone(), "k8s-pod-network-1f2e-eth0");
    assert!(read.of_pod && read.readable);
    assert_eq!(read.sandboxes, [PathBuf::from("/run/netns/cni-1")]);
    std::fs::write(&path, "x").unwrap();
    let read = entry(path, "k8s-pod-network-1f2e-eth0");
    assert_eq!((read.network.as_str(), read.of_pod, read.readable), ("k8s-pod-network", false, false));
}
