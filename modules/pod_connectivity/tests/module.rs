//! The built binary on two nodes made of real namespaces, bridges and a VXLAN, broken in one place after the other.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an oracle does not share the code it judges"
)]

use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::process::Command;
use testkit::cri::{FakeCri, Serving, v1};
use testkit::{Sandbox, require};

const SOCKET: &str = "/run/fake.sock";
/// The document's own scenario: 10.244.0.20 wants 10.244.0.19:8096 on the same node.
const JELLYFIN: &str = "http://10.244.0.19:8096/";

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn module(options: Value, check: bool) -> Value {
    let mut all = json!({"socket": SOCKET, "targets": [JELLYFIN], "peers": [{"ip": "10.244.2.5", "name": "default/c", "node": "w2"}],
        "sources": ["default/debug"], "check_timeout": 0.6, "fail": false});
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    testkit::run_module(env!("CARGO_BIN_EXE_pod_connectivity"), all, check)
}

/// This namespace is node w1; `gw` is the network between the nodes and its gateway, `w2` the other node.
fn network() {
    sh("
    ip netns add gw; ip netns add w2
    ip -n gw link add lan type bridge; ip -n gw addr add 192.168.1.1/24 dev lan; ip -n gw link set lan up
    ip link add uplink type veth peer name p1 netns gw
    ip -n w2 link add uplink type veth peer name p2 netns gw
    for p in p1 p2; do ip -n gw link set $p master lan up; done
    ip addr add 192.168.1.11/24 dev uplink; ip link set uplink up; ip route add default via 192.168.1.1
    ip -n w2 addr add 192.168.1.12/24 dev uplink; ip -n w2 link set uplink up; ip -n w2 link set lo up
    sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1; ip netns exec w2 sysctl -qw net.ipv4.ip_forward=1
    vxlan='type vxlan id 1 dev uplink dstport 8472 nolearning'
    ip link add flannel.1 address 02:00:00:00:00:01 $vxlan local 192.168.1.11
    ip -n w2 link add flannel.1 address 02:00:00:00:00:02 $vxlan local 192.168.1.12
    ip link set flannel.1 mtu 1450 up; ip -n w2 link set flannel.1 mtu 1450 up
    ip addr add 10.244.0.0/32 dev flannel.1; ip -n w2 addr add 10.244.2.0/32 dev flannel.1
    ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink
    ip -n w2 route add 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink
    ip neigh add 10.244.2.0 lladdr 02:00:00:00:00:02 dev flannel.1 nud permanent
    ip -n w2 neigh add 10.244.0.0 lladdr 02:00:00:00:00:01 dev flannel.1 nud permanent
    bridge fdb append 02:00:00:00:00:02 dev flannel.1 dst 192.168.1.12
    bridge -n w2 fdb append 02:00:00:00:00:01 dev flannel.1 dst 192.168.1.11
    iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE
    ip addr add 10.96.0.10/32 dev lo
    ");
    bridge("", "10.244.0.1");
    bridge("-n w2", "10.244.2.1");
    pod("", "debug", "10.244.0.20", "10.244.0.1");
    pod("", "jellyfin", "10.244.0.19", "10.244.0.1");
    pod("-n w2", "c", "10.244.2.5", "10.244.2.1");
}

fn bridge(node: &str, gateway: &str) {
    sh(&format!(
        "ip {node} link add cni0 type bridge; ip {node} addr add {gateway}/24 dev cni0; ip {node} link set cni0 mtu 1450 up"
    ));
}

fn pod(node: &str, name: &str, ip: &str, gateway: &str) {
    sh(&format!(
        "ip netns add {name}; ip {node} link add v{name} mtu 1450 type veth peer name eth0 netns {name} mtu 1450
         ip {node} link set v{name} master cni0 up; ip -n {name} link set lo up
         ip -n {name} addr add {ip}/24 dev eth0; ip -n {name} link set eth0 up; ip -n {name} route add default via {gateway}"
    ));
}

/// A web server at jellyfin's place, and a DNS server for the cluster, both in threads of this process.
fn servers() {
    std::thread::spawn(|| {
        let namespace = std::fs::File::open("/run/netns/jellyfin").unwrap();
        nix::sched::setns(namespace, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        for stream in TcpListener::bind("10.244.0.19:8096").unwrap().incoming() {
            let mut stream = stream.unwrap();
            let _request = stream.read(&mut [0; 1024]);
            let _sent = stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: /web/\r\n\r\n");
        }
    });
    let dns = UdpSocket::bind("10.96.0.10:53").unwrap();
    std::thread::spawn(move || {
        let mut packet = [0_u8; 512];
        while let Ok((length, from)) = dns.recv_from(&mut packet) {
            let mut answer = packet[..length].to_vec();
            let known = String::from_utf8_lossy(&answer).contains("kubernetes");
            answer[2..4].copy_from_slice(if known { &[0x81, 0x80] } else { &[0x81, 0x83] });
            answer[7] = u8::from(known);
            if known {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 30, 0, 4, 10, 96, 0, 1]);
            }
            dns.send_to(&answer, from).unwrap();
        }
    });
}

/// Sandboxes `debug` and `jellyfin`, as containerd shows them.
fn runtime(pods: &'static [(&'static str, &'static str)]) -> Serving {
    let sandbox = |name: &str| v1::PodSandbox {
        id: name.to_owned(),
        metadata: Some(v1::PodSandboxMetadata { name: name.into(), namespace: "default".into(), ..Default::default() }),
        ..Default::default()
    };
    FakeCri::containerd("/")
        .on("/runtime.v1.RuntimeService/ListPodSandbox", move |_: v1::ListPodSandboxRequest| {
            Ok(v1::ListPodSandboxResponse { items: pods.iter().map(|(name, _)| sandbox(name)).collect() })
        })
        .on("/runtime.v1.RuntimeService/PodSandboxStatus", move |asked: v1::PodSandboxStatusRequest| {
            let (name, ip) = pods.iter().find(|(name, _)| *name == asked.pod_sandbox_id).ok_or((5, "not found"))?;
            let network = v1::PodSandboxNetworkStatus { ip: (*ip).into(), ..Default::default() };
            let namespaces = json!([{"type": "pid"}, {"type": "network", "path": format!("/run/netns/{name}")}]);
            let info = json!({"pid": 1, "runtimeSpec": {"linux": {"namespaces": namespaces}}}).to_string();
            Ok(v1::PodSandboxStatusResponse {
                status: Some(v1::PodSandboxStatus {
                    id: (*name).into(),
                    metadata: sandbox(name).metadata,
                    network: Some(network),
                    ..Default::default()
                }),
                info: [("info".to_owned(), info)].into(),
                ..Default::default()
            })
        })
        .serve(SOCKET)
}

fn ready() -> bool {
    let programs = ["ip", "bridge", "iptables", "nft", "sysctl"].iter().all(|name| require(&format!("program:{name}")));
    let links = ["bridge", "veth", "vxlan"].iter().all(|kind| require(&format!("link:{kind}")));
    require("root") && programs && links && require("file:/proc/sys/net/bridge/bridge-nf-call-iptables")
}

fn nodes() -> Serving {
    network();
    servers();
    sh("mkdir -p /var/lib/kubelet");
    std::fs::write("/var/lib/kubelet/config.yaml", "clusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\n")
        .unwrap();
    runtime(&[("debug", "10.244.0.20"), ("jellyfin", "10.244.0.19")])
}

fn sandbox() -> Sandbox {
    Sandbox::new().empty("/run").empty("/var/lib")
}

/// `check to hop` of every failure.
fn failures(answer: &Value) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let rows = answer["failures"].as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    rows.map(|row| {
        format!("{} {} {}", text(row, "check"), text(row, "to").replace(JELLYFIN, "jellyfin"), text(row, "hop"))
    })
    .collect()
}

#[test]
fn pods_that_reach_each_other_dns_and_the_outside_pass_every_check() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _runtime = nodes();
        let answer = module(json!({}), false);
        let rows = answer["matrix"].as_array().unwrap();
        assert_eq!((failures(&answer), rows.len(), &answer["changed"]), (vec![], 7, &json!(false)), "{answer}");
        assert_eq!(answer["msg"], "7 checks from 1 pods passed");
        let kinds: Vec<_> =
            rows.iter().map(|row| format!("{} {}", row["check"], row["place"]).replace('"', "")).collect();
        assert_eq!(
            kinds,
            [
                "icmp same_node",
                "icmp_mtu same_node",
                "icmp other_node",
                "icmp_mtu other_node",
                "http named",
                "dns named",
                "icmp outside"
            ]
        );
        assert_eq!(
            answer["pods"][0],
            json!({"name": "default/debug", "ip": "10.244.0.20", "node": answer["pods"][0]["node"]})
        );
        let others = module(json!({"sources": [], "peers": answer["pods"]}), true);
        assert_eq!(failures(&others), Vec::<String>::new(), "check mode checks, too");
    });
}

#[test]
fn each_broken_hop_is_named() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _runtime = nodes();
        let bad_rule = "FORWARD -s 10.244.0.20/32 -d 10.244.0.19/32 -p tcp -m tcp --dport 8096 -j DROP";
        let table: Vec<(String, String, Vec<&str>)> = [
            // The document: Destination Host Unreachable between two pods of one node.
            (
                "ip link set vdebug nomaster",
                "ip link set vdebug master cni0",
                vec!["icmp default/jellyfin veth", "http jellyfin veth", "icmp gateway 192.168.1.1 veth"],
            ),
            (
                "ip link set vjellyfin down",
                "ip link set vjellyfin up",
                vec!["icmp default/jellyfin veth", "http jellyfin veth"],
            ),
            (
                "ip link set cni0 down",
                "ip link set cni0 up",
                vec![
                    "icmp default/jellyfin bridge",
                    "dns dns://10.96.0.10/kubernetes.default.svc.cluster.local bridge",
                ],
            ),
            (
                "ip addr del 10.244.0.1/24 dev cni0; ip addr add 10.244.0.1/16 dev lo",
                "ip addr del 10.244.0.1/16 dev lo; ip addr add 10.244.0.1/24 dev cni0",
                vec!["icmp default/jellyfin route", "icmp gateway 192.168.1.1 route"],
            ),
            (
                "ip addr flush dev cni0; ip addr add 10.244.7.1/24 dev cni0; ip route add 10.244.0.0/24 dev cni0; ip -n debug neigh flush all",
                "ip addr flush dev cni0; ip addr add 10.244.0.1/24 dev cni0",
                vec!["icmp default/c on w2 bridge", "icmp gateway 192.168.1.1 bridge"],
            ),
            (&format!("iptables -I {bad_rule}"), &format!("iptables -D {bad_rule}"), vec!["http jellyfin forward"]),
            (
                "iptables -P FORWARD DROP",
                "iptables -P FORWARD ACCEPT",
                vec![
                    "icmp default/jellyfin forward",
                    "icmp default/c on w2 forward",
                    "http jellyfin forward",
                    "icmp gateway 192.168.1.1 forward",
                ],
            ),
            // firewalld or a person: iptables does not see it, and what iptables accepts does not help.
            (
                "nft add table inet mine; nft 'add chain inet mine forward { type filter hook forward priority 10; policy drop; }'; nft add rule inet mine forward ip daddr 192.168.1.1 accept",
                "nft delete table inet mine",
                vec!["icmp default/jellyfin forward", "icmp default/c on w2 forward", "http jellyfin forward", "icmp gateway 192.168.1.1 forward"],
            ),
            (
                "nft add table bridge mine; nft 'add chain bridge mine way { type filter hook forward priority 0; }'; nft add rule bridge mine way tcp dport 8096 drop",
                "nft delete table bridge mine",
                vec!["http jellyfin forward"],
            ),
            (
                "sysctl -qw net.ipv4.ip_forward=0",
                "sysctl -qw net.ipv4.ip_forward=1",
                vec!["icmp default/c on w2 forward", "icmp gateway 192.168.1.1 forward"],
            ),
            (
                "ip route del 10.244.2.0/24",
                "ip route add 10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink",
                vec!["icmp default/c on w2 route"],
            ),
            (
                "iptables -I OUTPUT -p udp --dport 8472 -j DROP",
                "iptables -D OUTPUT 1",
                vec!["icmp default/c on w2 vxlan"],
            ),
            (
                "iptables -t nat -F POSTROUTING",
                "iptables -t nat -A POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE",
                vec!["icmp gateway 192.168.1.1 masquerade"],
            ),
            (
                "ip link set flannel.1 mtu 1400",
                "ip link set flannel.1 mtu 1450",
                vec!["icmp_mtu default/c on w2 path_mtu"],
            ),
            (
                "ip -n debug link set eth0 down",
                "ip -n debug link set eth0 up; ip -n debug route add default via 10.244.0.1",
                vec!["icmp default/jellyfin pod"],
            ),
            (
                "ip -n debug route del default",
                "ip -n debug route add default via 10.244.0.1",
                vec!["icmp default/c on w2 route", "icmp gateway 192.168.1.1 route"],
            ),
        ]
        .into_iter()
        .map(|(a, b, c)| (a.to_owned(), b.to_owned(), c))
        .collect();
        for (break_it, mend_it, expected) in table {
            sh(&break_it);
            let answer = module(json!({"check_timeout": 0.3}), false);
            let found = failures(&answer);
            sh(&mend_it);
            eprintln!("{break_it}: {found:?}; {}", answer["msg"]);
            for line in &expected {
                assert!(found.iter().any(|f| f == line), "{break_it}: {line} is not in {found:?}");
            }
            assert!(!expected.is_empty() || found.is_empty(), "{break_it}: {found:?}");
            assert!(!found.iter().any(|line| line.ends_with("unknown")), "{break_it}: {found:?}");
        }
        assert_eq!(failures(&module(json!({}), false)), Vec::<String>::new(), "all mended");
    });
}

#[test]
fn a_closed_port_an_unknown_name_and_silence_are_told_apart() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _runtime = nodes();
        let targets =
            ["tcp://10.244.0.19:8097", "dns://10.96.0.10/no.such.name", "tcp://10.244.0.77:80", "icmp://10.244.0.19"];
        let answer = module(json!({"targets": targets, "fail": true}), false);
        assert_eq!(answer["failed"], true);
        assert_eq!(
            failures(&answer),
            [
                "tcp tcp://10.244.0.19:8097 target",
                "dns dns://10.96.0.10/no.such.name target",
                "tcp tcp://10.244.0.77:80 unknown"
            ]
        );
        let errors: Vec<_> =
            answer["failures"].as_array().unwrap().iter().map(|row| row["error"].as_str().unwrap()).collect();
        assert_eq!(errors[0], "connection refused");
        assert!(errors[1].starts_with("NXDOMAIN"), "{errors:?}");
        let msg = answer["msg"].as_str().unwrap();
        assert!(
            msg.starts_with("3 of 10 checks failed; first tcp from default/debug to tcp://10.244.0.19:8097 (target: "),
            "{msg}"
        );
    });
}

#[test]
fn what_the_node_itself_does_not_reach_is_no_fault_of_its_pods() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        let _runtime = nodes();
        sh("ip -n gw addr flush dev lan");
        let answer = module(json!({"outside": ["gateway", "tcp://192.168.1.77:1"]}), false);
        assert_eq!(failures(&answer), Vec::<String>::new());
        let skipped = answer["matrix"].as_array().unwrap().iter().filter(|row| row["skipped"].is_string()).count();
        assert_eq!(skipped, 2, "{answer}");
    });
}

#[test]
fn a_node_without_pods_is_checked_from_sandboxes_that_are_gone_afterwards() {
    if !ready() {
        return;
    }
    sandbox().run(|| {
        network();
        sh("mkdir -p /var/lib/kubelet; ip -n jellyfin link set eth0 down");
        let made = std::sync::Arc::new(std::sync::Mutex::new(Vec::<String>::new()));
        let (list, run, remove) = (made.clone(), made.clone(), made.clone());
        let address = |id: &str| format!("10.244.0.{}", 100 + id.len());
        let runtime = FakeCri::containerd("/")
            .on("/runtime.v1.RuntimeService/RunPodSandbox", move |asked: v1::RunPodSandboxRequest| {
                let name = asked.config.unwrap().metadata.unwrap().name;
                let mut made = run.lock().unwrap();
                let id = "x".repeat(made.len() + 1);
                assert!(name.starts_with("check-"));
                pod("", &id, &address(&id), "10.244.0.1");
                made.push(id.clone());
                Ok(v1::RunPodSandboxResponse { pod_sandbox_id: id })
            })
            .on("/runtime.v1.RuntimeService/ListPodSandbox", move |_: v1::ListPodSandboxRequest| {
                let item = |id: &String| v1::PodSandbox { id: id.clone(), metadata: Some(v1::PodSandboxMetadata { name: id.clone(), ..Default::default() }), ..Default::default() };
                Ok(v1::ListPodSandboxResponse { items: list.lock().unwrap().iter().map(item).collect() })
            })
            .on("/runtime.v1.RuntimeService/PodSandboxStatus", move |asked: v1::PodSandboxStatusRequest| {
                let id = asked.pod_sandbox_id;
                let network = v1::PodSandboxNetworkStatus { ip: address(&id), ..Default::default() };
                let info = json!({"runtimeSpec": {"linux": {"namespaces": [{"type": "network", "path": format!("/run/netns/{id}")}]}}}).to_string();
                let status = v1::PodSandboxStatus { id, network: Some(network), ..Default::default() };
                Ok(v1::PodSandboxStatusResponse { status: Some(status), info: [("info".to_owned(), info)].into(), ..Default::default() })
            })
            .on("/runtime.v1.RuntimeService/StopPodSandbox", |_: v1::StopPodSandboxRequest| Ok(v1::StopPodSandboxResponse {}))
            .on("/runtime.v1.RuntimeService/RemovePodSandbox", move |asked: v1::RemovePodSandboxRequest| {
                remove.lock().unwrap().retain(|id| *id != asked.pod_sandbox_id);
                Ok(v1::RemovePodSandboxResponse {})
            })
            .serve(SOCKET);
        let options = json!({"sources": [], "targets": [], "peers": []});
        let check = module(options.clone(), true);
        assert_eq!(check["msg"], "no pod with a network of its own runs on this node: nothing was checked");
        assert!(!runtime.calls().iter().any(|call| call.ends_with("/RunPodSandbox")), "check mode makes none");
        let answer = module(options, false);
        assert_eq!(answer["msg"], "6 checks from 2 pods passed", "{answer}");
        assert_eq!((&answer["pods"], made.lock().unwrap().len()), (&json!([]), 0), "{answer}");
    });
}

#[test]
fn bad_input_names_the_option_the_value_and_what_is_right() {
    sandbox().run(|| {
        for (options, words) in [
            (json!({"peers": ["web"]}), ["peers", "web", "10.244.1.5"]),
            (json!({"peers": [{"name": "x"}]}), ["peers", "x", "10.244.1.5"]),
            (json!({"targets": ["10.1.1.1:80"]}), ["targets", "10.1.1.1:80", "tcp://10.244.0.19:8096"]),
            (json!({"outside": ["https//x"]}), ["outside", "https//x", "tcp://"]),
            (json!({"check_timeout": 0}), ["check_timeout", "0", "such as 2"]),
            (json!({"dns_server": "kube-dns"}), ["dns_server", "kube-dns", "10.96.0.10"]),
        ] {
            let answer = module(options, false);
            let msg = answer["msg"].as_str().unwrap();
            assert!(answer["failed"] == true && words.iter().all(|word| msg.contains(word)), "{msg}");
        }
    });
}
