//! Each rule on made-up facts: a good node has no finding, one thing made wrong is found by name as the primary cause.

use super::judge;
use crate::finding::{Severity, primary};
use crate::observe::api::Refusal;
use crate::observe::network::{Flannel, Lease};
use crate::observe::runtime::{Answer, Unit as RuntimeUnit};
use crate::observe::storage::Filesystem;
use crate::observe::system_pods::Ended;
use crate::observe::{Facts, kubelet::Kubelet, runtime::Runtime};
use cni_repair::results::Record;
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
use node::code::Code;
use node::containerd::ImageFilesystem;
use serde_json::json;
use std::time::Duration;

mod faults;
mod hostile;
mod nftables;

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
fn leases_of_podmans_network_are_nobodys_leftover_even_where_its_conf_is_the_only_one() {
    let mut facts = healthy();
    let text = r#"{"name":"podman","plugins":[{"type":"bridge","bridge":"cni-podman0","ipam":{"type":"host-local"}}]}"#;
    facts.cni.confs = vec![conf("87-podman-bridge.conflist", text)];
    facts.network.leases[0].network = "podman".into();
    facts.network.leases[0].container = "a container of podman's".into();
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert!(!found.contains(&Code::LeasesStale) && !found.contains(&Code::AddressesExhausted), "{found:?}");
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
fn what_only_a_person_can_mend_names_no_module() {
    let mended_by = |fault: fn(&mut Facts)| {
        let mut facts = healthy();
        fault(&mut facts);
        let found = judge(&facts);
        let first = primary(&found).unwrap();
        (first.kind.code, first.mended_by())
    };
    assert_eq!(mended_by(|f| f.cni.confs = vec![conf("10-site.conflist", "{")]), (Code::CniConfigInvalid, None));
    assert_eq!(
        mended_by(|f| f.cni.confs = vec![conf("10-flannel.conflist", "{")]),
        (Code::CniConfigInvalid, Some("cni_repair")),
        "flannel's pod writes its file anew"
    );
    assert_eq!(
        mended_by(|f| f.cni.confs.insert(0, conf("00-a.conflist", "{"))),
        (Code::CniConfigInvalid, Some("cni_repair")),
        "a network is behind it"
    );
    let noexec = |f: &mut Facts| {
        let (plugin, path) = ("portmap".into(), "/opt/cni/bin/portmap".into());
        f.cni.broken = vec![(Broken { plugin, path, cause: Cause::NoExec }, false)];
    };
    assert_eq!(mended_by(noexec), (Code::CniPluginBroken, None));
}

#[test]
fn a_network_whose_agent_is_only_starting_is_not_called_left_over_when_nothing_waits_behind_it() {
    let mut facts = healthy();
    let calico = conf("10-calico.conflist", r#"{"name":"k8s-pod-network","plugins":[{"type":"calico"}]}"#);
    facts.cni.dead = vec![(calico.path.clone(), Dead { why: "calico-node does not run".into(), certain: false })];
    facts.cni.confs = vec![calico];
    assert!(!judge(&facts).iter().any(|f| f.kind.code == Code::CniConfigLeftover));
}

#[test]
fn leases_of_other_programs_networks_are_not_ours_to_judge() {
    let mut facts = healthy();
    for network in ["podman", "bridge", "nerdctl0"] {
        facts.network.leases.push(Lease {
            network: network.into(),
            ip: "10.88.0.2".parse().unwrap(),
            container: "theirs".into(),
            age: Duration::from_secs(1000),
        });
    }
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_range_that_pods_themselves_fill_is_told_with_its_size_and_left_to_a_person() {
    let mut facts = healthy();
    facts.network.leases.clear();
    let pods = &mut facts.runtime.answer.as_mut().unwrap().pods;
    for last in 2..255_u8 {
        let ip = std::net::Ipv4Addr::new(10, 244, 2, last);
        pods.push(pod(&format!("x{last}"), &ip.to_string()));
        let lease =
            Lease { network: "cbr0".into(), ip: ip.into(), container: format!("x{last}"), age: Duration::from_secs(9) };
        facts.network.leases.push(lease);
    }
    let found = judge(&facts);
    let full = found.iter().find(|f| f.kind.code == Code::AddressesExhausted).unwrap();
    assert_eq!(full.evidence, ["the range 10.244.2.0/24 is full: 253 of 253 addresses have a lease, 0 of them stale"]);
    assert_eq!(full.mended_by(), None);
    assert!(!found.iter().any(|f| f.kind.code == Code::LeasesStale));
}

#[test]
fn nothing_of_another_distribution_is_called_left_over() {
    let mut facts = healthy();
    facts.network.leases[0].container = "of-k3s".into();
    let codes = |facts: &Facts| judge(facts).iter().map(|f| f.kind.code).collect::<Vec<_>>();
    assert_eq!(codes(&facts), [Code::LeasesStale]);
    let signs = vec!["process 812 runs /usr/local/bin/k3s".to_owned()];
    facts.distributions = vec![footprint::distributions::Active { distribution: "k3s", signs }];
    assert_eq!(codes(&facts), [Code::OtherDistribution]);
}

#[test]
fn a_full_disk_explains_what_follows_from_it() {
    let mut facts = healthy();
    facts.storage.filesystems[0].space = Ok(Space { available: 0, ..space() });
    silent(&mut facts, missing(), "failed");
    facts.kubelet.process.active = "activating".into();
    facts.kubelet.health = None;
    let found = judge(&facts);
    let codes: Vec<_> = found.iter().map(|f| f.kind.code).collect();
    assert_eq!(codes, [Code::FilesystemFull, Code::ContainerdFailed, Code::KubeletFailing]);
    assert_eq!(primary(&found).unwrap().kind.code, Code::FilesystemFull);
}

#[test]
fn a_node_before_its_join_is_not_joined_and_nothing_else() {
    let mut facts = healthy();
    facts.kubelet.has_conf = false;
    facts.kubelet.has_config = false;
    facts.kubelet.unit.as_mut().unwrap().masked = true;
    facts.kubelet.process = Default::default();
    facts.kubelet.health = None;
    facts.network = Default::default();
    facts.cni.confs = vec![placeholder()];
    let found: Vec<_> = judge(&facts).iter().map(|f| f.kind.code).collect();
    assert_eq!(found, [Code::NotJoined]);
    // After a reset there is no CNI configuration, either: waiting for an add-on would be wrong advice.
    facts.cni.confs.clear();
    let found = judge(&facts);
    assert_eq!(found.iter().map(|f| f.kind.code).collect::<Vec<_>>(), [Code::NotJoined]);
    assert!(found[0].remedy().contains("join"));
}

#[test]
fn the_kubelets_last_words_are_read_with_the_joins_table() {
    let mut facts = healthy();
    facts.kubelet.process.active = "activating".into();
    facts.kubelet.health = None;
    facts.kubelet.journal = host::journal::Journal::said(
        "E1121 00:00:00.0 7 kubelet.go:1 \"...\" err=\"failed to run Kubelet: expected cgroupsPath to be of format \\\"slice:prefix:name\\\" for systemd cgroups, got \\\"/kubepods\\\" instead\"\n",
    );
    let found = judge(&facts);
    let failing = found.iter().find(|f| f.kind.code == Code::KubeletFailing).unwrap();
    assert!(failing.cause().contains("cgroup drivers"), "{}", failing.cause());
}

#[test]
fn the_firewall_is_read_as_a_packet_of_a_pod_would() {
    let filter = |policy: &str, rules: &str| {
        format!(
            "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD {policy} [0:0]\n:OUTPUT ACCEPT [0:0]\n:FLANNEL-FWD - [0:0]\n:KUBE-FORWARD - [0:0]\n{rules}COMMIT\n"
        )
    };
    for (policy, rules_text, dropped) in [
        ("DROP", "", true),
        ("ACCEPT", "", false),
        ("DROP", "-A FORWARD -m comment --comment \"flanneld forward\" -j FLANNEL-FWD\n", false),
        ("DROP", "-A FORWARD -s 10.244.0.0/16 -j ACCEPT\n-A FORWARD -d 10.244.0.0/16 -j ACCEPT\n", false),
        ("DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", true),
        ("DROP", "-A FORWARD -i docker0 -j ACCEPT\n", true),
        ("ACCEPT", "-A FORWARD -i cni0 -j DROP\n", true),
        ("ACCEPT", "-A FORWARD -p tcp -m tcp --dport 25 -j DROP\n", false),
        ("ACCEPT", "-A FORWARD -j FLANNEL-FWD\n-A FORWARD -j DROP\n", false),
    ] {
        let mut facts = healthy();
        // One back end only: the same rules in two of them would be a finding of its own.
        facts.network.firewall = rules(&filter(policy, rules_text)).into_iter().take(1).collect();
        if facts.network.firewall.is_empty() {
            assert_ne!(std::env::var("STRICT").as_deref(), Ok("1"), "iptables is not installed");
            eprintln!("SKIP: iptables is not installed");
            return;
        }
        let found = judge(&facts);
        let has = found.iter().any(|f| f.kind.code == Code::ForwardDropped);
        assert_eq!(has, dropped, "{policy} {rules_text}");
    }
}

#[test]
fn rules_of_kubernetes_in_both_back_ends_are_found() {
    let mut facts = healthy();
    facts.network.firewall =
        rules("*nat\n:PREROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A PREROUTING -j KUBE-SERVICES\nCOMMIT\n");
    if facts.network.firewall.len() < 4 {
        assert_ne!(std::env::var("STRICT").as_deref(), Ok("1"), "iptables lacks a back end");
        eprintln!("SKIP: iptables lacks a back end");
        return;
    }
    assert_eq!(primary(&judge(&facts)).unwrap().kind.code, Code::IptablesBackendsMixed);
}

#[test]
fn a_pod_that_has_started_since_makes_an_earlier_failure_nobodys_business() {
    let mut facts = healthy();
    let said = include_str!("../../../../crates/kubeadm/tests/data/classify/containerd-1.6.20-sandbox-image.txt");
    facts.runtime.journal = said.into();
    let found = judge(&facts);
    assert!(primary(&found).unwrap().cause().contains("registry.k8s.io/pause:3.6"), "{found:?}");
    facts.runtime.journal = format!("{said}RunPodSandbox for &PodSandboxMetadata{{}} returns sandbox id \"9f\"\n");
    assert!(judge(&facts).is_empty());
}

#[test]
fn a_tunnel_that_the_firewall_lets_through_is_no_finding() {
    for rules in [
        "-A INPUT -p udp -m udp --dport 4789 -j DROP",
        "-A INPUT -i eth1 -j DROP",
        "-A INPUT -s 10.0.0.0/24 -j ACCEPT\n-A INPUT -j DROP",
        "-A INPUT -m set --match-set nodes src -j ACCEPT\n-A INPUT -j DROP",
    ] {
        let mut facts = healthy();
        faults::tunnel(&mut facts);
        faults::filter(&mut facts, rules);
        assert!(judge(&facts).is_empty(), "{rules}");
    }
}

#[test]
fn an_old_runtime_is_told_and_leaves_the_node_healthy() {
    let mut facts = healthy();
    facts.machine.now = kubeadm::time::parse("2026-11-27T00:00:00Z");
    let Ok(answer) = &mut facts.runtime.answer else { panic!() };
    (answer.version.runtime_name, answer.version.runtime_version) = ("containerd".into(), "1.6.20~ds1".into());
    let found = judge(&facts);
    assert_eq!(found.iter().map(|f| f.kind.code).collect::<Vec<_>>(), [Code::RuntimeTooOldSoon]);
    assert!(found[0].evidence[0].contains("2025-08-23") && found[0].evidence[1].contains("2026-12-16"), "{found:?}");
    assert!(primary(&found).is_none());
    assert_eq!(found[0].to_json()["severity"], "notice");
}

#[test]
fn a_value_that_cri_refuses_is_a_persons_but_for_those_that_are_set_anew() {
    let mended_by = |said: &str| {
        let mut facts = healthy();
        silent(&mut facts, Error::NoCri { socket: "/s".into() }, "active");
        facts.runtime.journal =
            format!("level=warning msg=\"failed to load plugin io.containerd.grpc.v1.cri\" error=\"{said}\"");
        let found = judge(&facts);
        assert_eq!(primary(&found).unwrap().kind.code, Code::CriNotLoaded);
        primary(&found).unwrap().mended_by()
    };
    assert_eq!(
        mended_by("invalid plugin config: `systemd_cgroup` only works for runtime io.containerd.runtime.v1.linux"),
        Some("containerd_prepare")
    );
    assert_eq!(
        mended_by(
            "invalid plugin config: no corresponding runtime configured in `runtimes` for `default_runtime_name = \\\"nope\\\""
        ),
        None
    );
}

#[test]
fn another_socket_in_the_configuration_is_a_persons() {
    let mut facts = healthy();
    silent(&mut facts, missing(), "active");
    facts.runtime.socket = "/run/containerd/containerd.sock".into();
    facts.runtime.config.as_mut().unwrap().socket = Some("/run/other.sock".into());
    let found = judge(&facts);
    let first = primary(&found).unwrap();
    assert_eq!((first.kind.code, first.mended_by()), (Code::ContainerdSocketMissing, None));
    assert!(first.cause().contains("/run/other.sock"), "{}", first.cause());
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
