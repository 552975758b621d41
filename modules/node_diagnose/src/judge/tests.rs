//! Each rule on made-up facts: a good node has no finding, one thing made wrong is found by name as the primary cause.

use super::judge;
use crate::finding::primary;
use crate::kind::Severity;
use crate::observe::api::Refusal;
use crate::observe::network::{Flannel, Lease};
use crate::observe::runtime::{Answer, Unit as RuntimeUnit};
use crate::observe::storage::Filesystem;
use crate::observe::system_pods::Ended;
use crate::observe::{Facts, kubelet::Kubelet, runtime::Runtime};
use cri::{Condition, Error, Sandbox, SandboxStatus, Status, Version};
use faults::faults;
use firewall::iptables;
use host::cni::plugins::{Broken, Cause};
use host::cni::{Conf, parse};
use host::links::{Address, Link};
use host::space::Space;
use kubeadm::gate::Unit;
use kubeadm::kubelet::Health;
use kubeadm::kubelet_files::Useless;
use node::cni::Dead;
use node::cni::records::Record;
use node::code::Code;
use node::containerd::ImageFilesystem;
use serde_json::json;
use std::time::Duration;

mod causes;
mod faults;
mod hostile;
mod nftables;
mod owners;
mod packets;

fn space() -> Space {
    Space {
        bytes: 100 << 30,
        available: 50 << 30,
        inodes: 1000,
        inodes_available: 500,
        kind: "ext4".into(),
        read_only: false,
    }
}

fn conf(name: &str, text: &str) -> Conf {
    Conf { path: format!("/etc/cni/net.d/{name}").into(), network: parse(text.as_bytes(), true) }
}

fn flannel() -> Conf {
    conf("10-flannel.conflist", r#"{"name":"cbr0","plugins":[{"type":"flannel","delegate":{}},{"type":"portmap"}]}"#)
}

fn placeholder() -> Conf {
    let text = r#"{"name":"cni0","cniVersion":"0.3.1","plugins":[{"type":"bridge","bridge":"cni0","isDefaultGateway":true,
        "ipMasq":true,"ipam":{"type":"host-local","subnet":"10.244.0.0/16"}}]}"#;
    conf("00-placeholder.conflist", text)
}

fn pod(id: &str, ip: &str) -> SandboxStatus {
    let sandbox = Sandbox { id: id.into(), name: id.into(), namespace: "default".into(), uid: "u".into(), ready: true };
    let info = Default::default();
    SandboxStatus { sandbox, ips: vec![ip.into()], host_network: false, pid: Some(1), netns: None, info }
}

fn ended(container: &str, pod: &str) -> Ended {
    Ended { container: container.into(), pod: pod.into(), words: Some("F1121 10:08:43.1 1 server.go:495] gone".into()) }
}

fn bridge(address: &str, prefix: u8) -> Link {
    let addresses = vec![Address { ip: address.parse().unwrap(), prefix }];
    Link { index: 5, name: "cni0".into(), kind: "bridge".into(), mtu: 1450, up: true, addresses, ..Link::default() }
}

fn veth() -> Link {
    Link {
        index: 6,
        name: "veth1a2b".into(),
        kind: "veth".into(),
        mtu: 1450,
        up: true,
        master: Some(5),
        netnsid: Some(0),
        ..Link::default()
    }
}

fn condition(kind: &str, ok: bool) -> Condition {
    Condition { kind: kind.into(), ok, reason: String::new(), message: String::new() }
}

fn answer() -> Answer {
    let config = json!({"containerd": {"defaultRuntimeName": "runc", "snapshotter": "overlayfs",
        "runtimes": {"runc": {"options": {"SystemdCgroup": true}}}}});
    let info = [("config".to_owned(), config), ("lastCNILoadStatus".to_owned(), json!("OK"))].into();
    Answer {
        version: Version { runtime_name: "containerd".into(), runtime_version: "1.6.20".into(), api: "v1" },
        status: Status { conditions: vec![condition("RuntimeReady", true), condition("NetworkReady", true)], info },
        driver: None,
        images: Ok(ImageFilesystem { path: "/var/lib/containerd/x".into(), used: 1, space: space() }),
        pods: vec![pod("p1", "10.244.2.7")],
    }
}

fn rules(text: &str) -> Vec<iptables::Ruleset> {
    // Only what this machine's programs could be told apart by; without iptables there is no tool to name.
    let tools = iptables::Tool::all(&host::deadline::Deadline::after(Duration::from_secs(20))).unwrap();
    let save = iptables::parse(text.as_bytes()).unwrap();
    tools.into_iter().map(|tool| iptables::Ruleset { tool, save: save.clone() }).collect()
}

/// A joined worker with flannel and one pod.
fn healthy() -> Facts {
    let mut facts = Facts::default();
    for (path, point, purpose) in [("/", "/", "the system"), ("/var/lib/containerd", "/var/lib/containerd", "images")] {
        facts.storage.filesystems.push(Filesystem {
            path: path.into(),
            purpose,
            point: point.into(),
            options: "rw,relatime".into(),
            kind: "ext4".into(),
            space: Ok(space()),
        });
    }
    facts.storage.overlay = true;
    facts.machine.machine_id = Some("0".repeat(32));
    let unit = RuntimeUnit {
        config: None,
        load: "loaded".into(),
        active: "active".into(),
        result: "success".into(),
        enabled: "enabled".into(),
    };
    facts.runtime = Runtime { installed: true, unit: Some(unit), answer: Ok(answer()), ..Runtime::default() };
    facts.cni.confs = vec![flannel()];
    facts.cni.dir = "/etc/cni/net.d".into();
    facts.cni.plugin_dirs = vec!["/opt/cni/bin".into()];
    facts.kubelet = Kubelet {
        unit: Some(Unit {
            name: "kubelet.service".into(),
            load: "loaded".into(),
            file_state: "enabled".into(),
            fragment: None,
            active: "active".into(),
            masked: false,
            gated: false,
            remembered: None,
        }),
        process: kubeadm::kubelet::Kubelet {
            active: "active".into(),
            sub: "running".into(),
            pid: 9,
            args: vec!["kubelet".into(), "--kubeconfig=/etc/kubernetes/kubelet.conf".into()],
            ..Default::default()
        },
        health: Some(Health::Ok),
        has_conf: true,
        has_config: true,
        cgroup_driver: Some("systemd".into()),
        fail_swap_on: true,
        ..Kubelet::default()
    };
    facts.network.br_netfilter = true;
    facts.network.bridge = Some("cni0".into());
    facts.network.records = vec![Record {
        container: "p1".into(),
        network: "cbr0".into(),
        veth: Some("veth1a2b".into()),
        file: "/var/lib/cni/results/cbr0-p1-eth0".into(),
    }];
    facts.network.links = vec![bridge("10.244.2.1", 24), veth()];
    facts.network.flannel = Some(Flannel {
        network: "10.244.0.0/16".parse().ok(),
        bridge: Some(("10.244.2.1".parse().unwrap(), 24)),
        mtu: Some(1450),
    });
    facts.network.leases = vec![Lease {
        network: "cbr0".into(),
        ip: "10.244.2.7".parse().unwrap(),
        container: "p1".into(),
        age: Duration::from_secs(1000),
    }];
    facts.api.node = Some(
        json!({"metadata": {"name": "w1", "annotations": {"flannel.alpha.coreos.com/backend-type": "host-gw"}},
        "spec": {"podCIDR": "10.244.2.0/24", "podCIDRs": ["10.244.2.0/24"]}, "status": {"nodeInfo": {"kubeletVersion": "v1.22.6"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
    );
    facts
}

fn silent(facts: &mut Facts, error: Error, active: &str) {
    facts.runtime.answer = Err(error);
    facts.runtime.unit.as_mut().unwrap().active = active.into();
    facts.kubelet.health = Some(Health::Not("no".into()));
}

fn missing() -> Error {
    Error::SocketMissing { socket: "/s".into() }
}

#[test]
fn a_healthy_node_has_no_finding() {
    let found: Vec<_> = judge(&healthy()).iter().map(|f| f.kind.code).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn each_fault_is_found_by_name_as_the_primary_cause() {
    for (code, fault) in faults() {
        let mut facts = healthy();
        fault(&mut facts);
        let found = judge(&facts);
        let codes: Vec<_> = found.iter().map(|f| f.kind.code).collect();
        assert_eq!(primary(&found).map(|f| f.kind.code), Some(code), "{codes:?}");
        let first = primary(&found).unwrap();
        assert!(!first.evidence.is_empty() && first.evidence.iter().all(|e| !e.is_empty()), "{code}: no evidence");
    }
}

#[test]
fn every_kind_has_a_fault_that_shows_it() {
    let tried: Vec<Code> = faults().iter().map(|(code, _)| *code).collect();
    // These need programs of this machine, another node's state, or time; each has a test of its own or in tests/node.rs.
    let elsewhere = [
        Code::ForwardDropped,
        Code::IptablesBackendsMixed,
        Code::MountsLeftBehind,
        Code::ClockUnsynchronized,
        Code::RuntimeTooOldSoon,
    ];
    for kind in crate::kinds::table() {
        assert!(tried.contains(&kind.code) || elsewhere.contains(&kind.code), "no test shows {}", kind.code);
    }
    let warnings = crate::kinds::table().filter(|k| k.severity == Severity::Warning).count();
    assert!(warnings > 0 && crate::kinds::table().count() >= 40);
}
